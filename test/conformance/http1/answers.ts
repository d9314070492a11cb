import { get, message, outcome, type Row, refused } from "./row.ts";

const NO_FRAMING = { "content-length": "absent", "transfer-encoding": "absent" };

function head(target: string, ...fields: readonly string[]): string {
  return message(`HEAD ${target} HTTP/1.1`, fields);
}

/** `/204`, `/stream` and such are what the handler of the suite answers with; all of them give it a body. */
export const ANSWERS: readonly Row[] = [
  outcome("9110 8.6", "a length", get("/x"), "open", {
    status: 200,
    body: "GET /x",
    headers: { "content-length": "6", "transfer-encoding": "absent", connection: "absent" },
  }),
  outcome(
    "9110 9.3.2",
    "HEAD has the length of GET and no body",
    head("/x") + get("/y"),
    "open",
    {
      status: 200,
      seen: "HEAD /x",
      headOnly: true,
      headers: { "content-length": "7", "transfer-encoding": "absent" },
    },
    "GET /y",
  ),
  outcome(
    "9110 9.3.2",
    "HEAD of a stream has no body",
    head("/stream") + get("/y"),
    "open",
    { status: 200, seen: "HEAD /stream", headOnly: true },
    "GET /y",
  ),
  outcome(
    "9110 9.3.2",
    "HEAD of nothing",
    head("/204") + get("/y"),
    "open",
    { status: 204, headOnly: true, headers: NO_FRAMING },
    "GET /y",
  ),
  outcome(
    "9110 9.3.2",
    "HEAD with a body of its own",
    `${message("HEAD /x HTTP/1.1", ["Content-Length: 3"], "abc")}${get("/y")}`,
    "open",
    {
      status: 200,
      seen: "HEAD /x abc",
      headOnly: true,
    },
    "GET /y",
  ),
  outcome("9110 9.3.2", "HEAD of HTTP/1.0", message("HEAD /x HTTP/1.0"), "closed", {
    status: 200,
    seen: "HEAD /x",
    headOnly: true,
    headers: { "content-length": "7" },
  }),
  outcome("9110 9.3.2", "a refused HEAD has no body", "HEAD / HTTP/1.1\r\n\r\n", "closed", { status: 400, headOnly: true }),
  outcome("9110 9.3.2", "a HEAD refused for its body has none", head("/", "Content-Length: 99999"), "closed", {
    status: 413,
    headOnly: true,
  }),
  outcome("9110 9.3.2", "a HEAD with a bad version has no body", message("HEAD / HTTP/2.0"), "closed", {
    status: 505,
    headOnly: true,
  }),
  refused("9110 9.3.2", "a method that only begins like HEAD gets a body", "HEADS / HTTP/1.1\r\n\r\n"),
  outcome(
    "9112 6.3",
    "204 has no framing",
    get("/204") + get("/y"),
    "open",
    { status: 204, body: "", headers: NO_FRAMING },
    "GET /y",
  ),
  outcome(
    "9112 6.3",
    "304 has no body",
    get("/304") + get("/y"),
    "open",
    { status: 304, body: "", headers: { "transfer-encoding": "absent" } },
    "GET /y",
  ),
  outcome(
    "9110 15.3.6",
    "205 has a length of 0",
    get("/205") + get("/y"),
    "open",
    { status: 205, body: "", headers: { "content-length": "0" } },
    "GET /y",
  ),
  outcome("9112 6.3", "404 has its body", get("/404") + get("/y"), "open", { status: 404, body: "GET /404" }, "GET /y"),
  outcome(
    "9112 7.1",
    "a stream is sent in chunks",
    get("/stream") + get("/y"),
    "open",
    {
      status: 200,
      body: "one two ",
      headers: { "transfer-encoding": "chunked", "content-length": "absent" },
    },
    "GET /y",
  ),
  outcome(
    "9112 7.1",
    "an empty stream is one last chunk",
    get("/stream/empty") + get("/y"),
    "open",
    {
      status: 200,
      body: "",
      headers: { "transfer-encoding": "chunked" },
    },
    "GET /y",
  ),
  outcome(
    "9112 6.3",
    "204 drops a stream",
    get("/stream/204") + get("/y"),
    "open",
    { status: 204, body: "", headers: NO_FRAMING },
    "GET /y",
  ),
  outcome("9112 6.3", "a stream to HTTP/1.0 ends with the connection", message("GET /stream HTTP/1.0"), "closed", {
    status: 200,
    body: "one two ",
    headers: { ...NO_FRAMING, connection: "close" },
  }),
  outcome(
    "9112 6.3",
    "a stream to HTTP/1.0 that asks to stay ends with the connection",
    message("GET /stream HTTP/1.0", ["Connection: keep-alive"]) + get("/y"),
    "closed",
    {
      status: 200,
      body: "one two ",
      headers: { ...NO_FRAMING, connection: "close" },
    },
  ),
  outcome("9112 2.3", "HTTP/1.0 is answered with the version of the server", message("GET /x HTTP/1.0"), "closed", {
    status: 200,
    body: "GET /x",
    headers: { "content-length": "6" },
  }),
  outcome(
    "9110 7.6.1",
    "a handler cannot say how the answer is framed",
    get("/framing") + get("/y"),
    "open",
    {
      status: 200,
      body: "GET /framing",
      headers: {
        "content-length": "12",
        "transfer-encoding": "absent",
        connection: "absent",
        "keep-alive": "absent",
        upgrade: "absent",
      },
    },
    "GET /y",
  ),
  outcome(
    "9110 5.5",
    "a handler cannot break a header's line",
    get("/split") + get("/y"),
    "open",
    {
      status: 500,
      headers: { "x-split": "absent", "x-hidden": "absent" },
    },
    "GET /y",
  ),
  outcome("9110 15.2", "a handler cannot answer with 1xx", get("/101") + get("/y"), "open", { status: 500 }, "GET /y"),
];
