import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { settle } from "../../base/fake-clock.ts";
import type { HttpHandler, HttpRequest } from "../http-exchange.ts";
import { TestGate } from "../test-gate.ts";
import { startServer, type TestServer } from "./raw-client.ts";

let server: TestServer;
let gate: TestGate;
let requests: HttpRequest[];
afterEach(() => server.close());

async function start() {
  gate = new TestGate();
  requests = [];
  const http: HttpHandler = (request) => {
    requests.push(request);
    return { status: 200, headers: [], body: Buffer.from(`${request.principal?.name} ${request.body.length}`) };
  };
  server = await startServer(http, { gate });
  return await server.client();
}

const post = (said: string, length: number, ...more: string[]) =>
  [
    `POST /m HTTP/1.1`,
    "host: a",
    ...(said === "" ? [] : [`authorization: ${said}`]),
    `content-length: ${length}`,
    ...more,
    "",
    "",
  ].join("\r\n");

test("who is let in is served, and the handler knows who it is", async () => {
  const client = await start();
  await client.send(`${post("yes", 3)}abc`);
  expect(await client.answers(1)).toMatchObject([{ status: 200, body: "ada 3" }]);
  expect(requests).toMatchObject([{ secure: false, principal: { name: "ada" } }]);
  expect(gate.asked).toMatchObject([{ method: "POST", target: "/m", peer: { address: "127.0.0.1", secure: false } }]);
});

test("a refused request that is all there costs the connection nothing", async () => {
  const client = await start();
  await client.send(`${post("", 3)}abc${post("yes", 1)}x`);
  expect(await client.answers(2)).toMatchObject([{ status: 401 }, { status: 200, body: "ada 1" }]);
  expect(requests).toHaveLength(1);
});

test("a refused request is answered by its head, without its body, and is the last", async () => {
  const client = await start();
  await client.send(post("", 60_000_000));
  expect(await client.answers(1)).toMatchObject([{ status: 401 }]);
  await client.end();
  expect(requests).toEqual([]);
});

test("whoever waits to be told to continue is told no by the refusal, and yes once let in", async () => {
  const client = await start();
  await client.send(post("", 3, "expect: 100-continue"));
  expect(await client.answers(1)).toMatchObject([{ status: 401 }]);
  const other = await server.client();
  await other.send(post("later", 3, "expect: 100-continue"));
  expect(other.received).toBe("");
  gate.waiting[0]!.resolve(true);
  await other.until(({ received }) => received.includes("100 Continue"));
  other.received = "";
  await other.send("abc");
  expect(await other.answers(1)).toMatchObject([{ status: 200, body: "ada 3" }]);
});

test.each([
  ["with its body", `${post("later", 3)}abc`, ""],
  ["before its body", post("later", 3), "abc"],
  ["in the middle of its body", `${post("later", 3)}a`, "bc"],
  ["with chunks", post("later", 0, "").replace("content-length: 0", "transfer-encoding: chunked"), "3\r\nabc\r\n0\r\n\r\n"],
])("a request that comes %s waits for the gate, and the next one for it", async (_case, first, rest) => {
  const client = await start();
  await client.send(first.replace("\r\n\r\n\r\n", "\r\n\r\n"));
  await client.send(`${rest}${post("yes", 1)}x`);
  expect([requests.length, gate.asked.length]).toEqual([0, 1]);
  gate.waiting[0]!.resolve(true);
  expect(await client.answers(2)).toMatchObject([{ body: "ada 3" }, { body: "ada 1" }]);
});

test("a compressed body is inflated once the gate has let it in", async () => {
  const client = await start();
  const body = gzipSync(Buffer.alloc(5000));
  await client.send(Buffer.concat([Buffer.from(post("later", body.length, "content-encoding: gzip")), body]));
  gate.waiting[0]!.resolve(true);
  expect(await client.answers(1)).toMatchObject([{ body: "ada 5000" }]);
});

test("nothing of the body is read while the gate considers, and a refusal ends the connection", async () => {
  const client = await start();
  await client.send(post("later", 60_000_000));
  const chunk = Buffer.alloc(1 << 20);
  for (let each = 0; each < 30; each++) client.socket.write(chunk);
  await settle();
  expect(client.socket.writableLength).toBeGreaterThan(15 << 20);
  gate.waiting[0]!.resolve(false);
  expect(await client.answers(1)).toMatchObject([{ status: 401 }]);
  expect(requests).toEqual([]);
});

test("the gate's answer for a peer that has left meanwhile is nobody's", async () => {
  const client = await start();
  await client.send(`${post("later", 3)}abc`);
  client.socket.destroy();
  await settle();
  gate.waiting[0]!.resolve(true);
  await settle();
  expect(server.reports.filter(([event]) => event === "handler_fault")).toEqual([]);
});
