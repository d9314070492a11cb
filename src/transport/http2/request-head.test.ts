import { describe, expect, test } from "vitest";
import { fieldValue, type RequestHead, readRequestHead, trailersFault } from "./request-head.ts";

type Field = readonly [name: string, value: string];
const GET: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/v1/models?x=1"],
];

function read(fields: readonly Field[]) {
  return readRequestHead({ names: fields.map(([name]) => name), values: fields.map(([, value]) => value), oversized: false });
}

test("reads what a request is", () => {
  const head = read([...GET, [":authority", "a:1"], ["content-length", "12"], ["content-type", "x/y"], ["a", "1"], ["a", "2"]]);
  expect(head).toMatchObject({
    method: "GET",
    target: "/v1/models?x=1",
    authority: "a:1",
    contentLength: 12,
    contentType: "x/y",
  });
  expect(fieldValue(head as RequestHead, "a")).toBe("1, 2");
  expect(fieldValue(head as RequestHead, "b")).toBeUndefined();
});

test("joins the crumbs of a cookie as HTTP/1 would send them", () => {
  expect(fieldValue(read([...GET, ["cookie", "a=1"], ["cookie", "b=2"]]) as RequestHead, "cookie")).toBe("a=1; b=2");
});

test.each<[string, readonly Field[]]>([
  [
    "OPTIONS *",
    [
      [":method", "OPTIONS"],
      [":scheme", "http"],
      [":path", "*"],
    ],
  ],
  [
    "CONNECT",
    [
      [":method", "CONNECT"],
      [":authority", "a:1"],
    ],
  ],
  ["an equal host", [...GET, [":authority", "a"], ["host", "a"]]],
  ["te: trailers", [...GET, ["te", "trailers"]]],
  ["an empty value", [...GET, ["x", ""]]],
  ["a repeated equal length", [...GET, ["content-length", "1"], ["content-length", "1"]]],
])("takes %s", (_, fields) => {
  expect(read(fields)).toBeTypeOf("object");
});

describe("malformed heads are refused", () => {
  test.each<[string, readonly Field[]]>([
    ["no method", GET.slice(1)],
    ["no scheme", [GET[0]!, GET[2]!]],
    ["no path", GET.slice(0, 2)],
    ["an empty path", [...GET.slice(0, 2), [":path", ""]]],
    ["a path that is a URL", [...GET.slice(0, 2), [":path", "http://a/"]]],
    ["a path with a blank", [...GET.slice(0, 2), [":path", "/a b"]]],
    ["a path with a fragment", [...GET.slice(0, 2), [":path", "/a#b"]]],
    ["* without OPTIONS", [...GET.slice(0, 2), [":path", "*"]]],
    ["a repeated pseudo-field", [...GET, [":path", "/"]]],
    ["an unknown pseudo-field", [...GET, [":x", "/"]]],
    ["a response's pseudo-field", [...GET, [":status", "200"]]],
    ["a pseudo-field behind a field", [...GET, ["a", "b"], [":authority", "c"]]],
    ["an upper-case name", [...GET, ["A", "b"]]],
    ["an empty name", [...GET, ["", "b"]]],
    ["a name with a blank", [...GET, ["a b", "b"]]],
    ["a name with a colon", [...GET, ["a:", "b"]]],
    ["a value with a line break", [...GET, ["a", "b\r\nc: d"]]],
    ["a value with NUL", [...GET, ["a", "\0"]]],
    ["a value that begins with a blank", [...GET, ["a", " b"]]],
    ["a value that ends with a tab", [...GET, ["a", "b\t"]]],
    ["connection", [...GET, ["connection", "close"]]],
    ["transfer-encoding", [...GET, ["transfer-encoding", "chunked"]]],
    ["upgrade", [...GET, ["upgrade", "h2c"]]],
    ["te: gzip", [...GET, ["te", "gzip"]]],
    ["a length that is no number", [...GET, ["content-length", "+1"]]],
    ["two lengths", [...GET, ["content-length", "1"], ["content-length", "2"]]],
    ["two hosts", [...GET, ["host", "a"], ["host", "b"]]],
    ["a host that is not the authority", [...GET, [":authority", "a"], ["host", "b"]]],
    ["a method with a blank", [[":method", "G T"], ...GET.slice(1)]],
    [
      "CONNECT with a path",
      [
        [":method", "CONNECT"],
        [":authority", "a:1"],
        [":path", "/"],
      ],
    ],
  ])("%s", (_, fields) => {
    expect(read(fields)).toBeTypeOf("string");
  });
});

test("trailers hold no pseudo-fields and no fields of HTTP/1", () => {
  const list = (name: string, value: string) => ({ names: [name], values: [value], oversized: false });
  expect(trailersFault(list("x-checksum", "1"))).toBeUndefined();
  expect(trailersFault(list(":path", "/"))).toBeTypeOf("string");
  expect(trailersFault(list("upgrade", "x"))).toBeTypeOf("string");
});
