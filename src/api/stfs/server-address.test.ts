import { expect, test } from "vitest";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { serverAddress } from "./server-address.ts";

test.each<[Record<string, string>, boolean, string]>([
  [{ host: "models.example:8501" }, false, "http://models.example:8501"],
  [{ host: "models.example" }, true, "https://models.example"],
  [{ host: "[::1]:8501" }, false, "http://[::1]:8501"],
  [{ host: "10.0.0.1:80", "x-forwarded-host": "front.example, inner.example" }, false, "http://front.example"],
  [{ host: "h", "x-forwarded-proto": "https" }, false, "https://h"],
  [{ host: "h", "x-forwarded-proto": "HTTP" }, true, "http://h"],
  [{ host: "h", "x-forwarded-prefix": "/models/" }, false, "http://h/models"],
  [{ host: "h", "x-forwarded-prefix": "/a/b" }, false, "http://h/a/b"],
  [{}, false, "http://127.0.0.1:8501"],
])("%o, by TLS: %s, was reached at %s", (headers, secure, url) => {
  expect(serverAddress(request(headers, secure)).url).toBe(url);
});

test.each<Record<string, string>>([
  { host: 'a"; rm -rf' },
  { host: "user@h" },
  { host: "a\nb" },
  { host: "" },
  { host: `${"a".repeat(300)}` },
  { "x-forwarded-host": "$(x)", host: "127.0.0.1:8501" },
  { "x-forwarded-proto": "javascript", host: "127.0.0.1:8501" },
  { "x-forwarded-prefix": "//evil", host: "127.0.0.1:8501" },
  { "x-forwarded-prefix": "/a'b", host: "127.0.0.1:8501" },
  { "x-forwarded-prefix": "no-slash", host: "127.0.0.1:8501" },
])("passes over what is no address: %o", (headers) => {
  expect(serverAddress(request(headers, false)).url).toBe("http://127.0.0.1:8501");
});

function request(headers: Readonly<Record<string, string>>, secure: boolean): HttpRequest {
  return {
    method: "GET",
    target: "/",
    header: (name) => headers[name],
    body: new Uint8Array(0),
    signal: new AbortController().signal,
    secure,
  };
}
