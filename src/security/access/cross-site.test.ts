import { expect, test } from "vitest";
import { isForeign, isNavigation, ownPagesOnly } from "./cross-site.ts";

type Fields = Readonly<Record<string, string>>;
const head = (fields: Fields, method = "GET") => ({ method, header: (name: string) => fields[name] });

test.each<[Fields, boolean]>([
  [{}, false],
  [{ "sec-fetch-site": "same-origin", origin: "https://proxy.example", host: "127.0.0.1:8501" }, false],
  [{ "sec-fetch-site": "none" }, false],
  [{ "sec-fetch-site": "cross-site" }, true],
  [{ "sec-fetch-site": "same-site", origin: "http://localhost:3000", host: "localhost:8501" }, true],
  [{ "sec-fetch-site": "same-site" }, false],
  [{ origin: "http://localhost:8501", host: "localhost:8501" }, false],
  [{ origin: "https://A.example", host: "a.example:443" }, false],
  [{ origin: "http://[::1]:8501", host: "[::1]:8501" }, false],
  [{ origin: "http://a.example", host: "b.example" }, true],
  [{ origin: "http://a.example.evil", host: "a.example" }, true],
  [{ origin: "http://evil@a.example", host: "a.example" }, true],
  [{ origin: "null", host: "a.example" }, true],
  [{ origin: "", host: "a.example" }, true],
  [{ origin: "http://a.example" }, true],
])("%o comes from another site: %s", (fields, expected) => {
  expect(isForeign(head(fields))).toBe(expected);
});

test.each<[string, Fields, boolean]>([
  ["GET", { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, true],
  ["POST", { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, false],
  ["GET", { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }, false],
  ["GET", { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }, false],
  ["GET", {}, false],
])("%s with %o follows a link: %s", (method, fields, expected) => {
  expect(isNavigation(head(fields, method))).toBe(expected);
});

test("a page of another site gets nothing from a handler for own pages only", async () => {
  const handler = ownPagesOnly(() => ({ status: 200, headers: [], body: new Uint8Array() }));
  const ask = (fields: Fields) =>
    handler({ ...head(fields, "PUT"), target: "/", body: new Uint8Array(), signal: new AbortController().signal });
  expect([(await ask({})).status, (await ask({ "sec-fetch-site": "cross-site" })).status]).toEqual([200, 403]);
});
