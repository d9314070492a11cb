import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { gzip } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { afterOthers } from "../turn-end.ts";
import { DescriptorTable } from "./descriptor-table.ts";
import { Poller } from "./poller.ts";

/** Longer than a test may take: whatever would have to wait for the end of a sleep fails the test. */
const FOR_EVER_MS = 60_000;

const descriptors = new DescriptorTable(64);
const poller = Poller.open(descriptors, FOR_EVER_MS);
const closing: (() => void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await new Promise((resolve) => setImmediate(resolve));
});

async function accept(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => undefined);
  const [accepted] = (await once(server, "connection")) as [Socket];
  closing.push(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
}

/** What Node's loop may have to do while a polled socket is idle. */
const WORK: Readonly<Record<string, () => Promise<unknown>>> = {
  "an immediate": () => new Promise((resolve) => setImmediate(resolve)),
  "an immediate that begins in an immediate": () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
  "a turn of the others": () => new Promise<void>((resolve) => afterOthers(resolve)),
  "what a turn of the others begins": () => new Promise<void>((resolve) => afterOthers(() => setImmediate(resolve))),
  "a timer": () => new Promise<void>((resolve) => systemClock.after(2, resolve)),
  "an immediate that begins in a timer": () => new Promise<void>((resolve) => systemClock.after(1, () => setImmediate(resolve))),
  "a connection that begins in a timer": () => new Promise<unknown>((resolve) => systemClock.after(1, () => resolve(accept()))),
  "a read of a file": () => readFile(import.meta.filename),
  "an immediate that begins after a read": () =>
    readFile(import.meta.filename).then(() => new Promise((done) => setImmediate(done))),
  "work of the thread pool": () => new Promise((resolve) => gzip("text", resolve)),
  "a message": () => {
    const { port1, port2 } = new MessageChannel();
    const heard = once(port1, "message");
    port2.postMessage("text");
    return heard.finally(() => port1.close());
  },
  "a connection of Node's own": async () => {
    const { client, accepted } = await accept();
    accepted.pipe(accepted);
    client.write("text");
    await once(client, "data");
    client.end();
    await once(accepted, "close");
  },
};

describe.skipIf(poller === undefined)("a poller that sleeps on an idle socket", () => {
  test.each(Object.entries(WORK))("does not keep %s waiting", async (_what, work) => {
    const { accepted } = await accept();
    const socket = poller!.adopt(accepted)!;
    closing.push(() => socket.destroy());
    for (let round = 0; round < 20; round++) {
      await work();
      // Long enough for the poller to fall asleep between the rounds.
      if (round % 5 === 0) await new Promise<void>((resolve) => systemClock.after(3, resolve));
    }
    expect(socket.writable).toBe(true);
  });

  test("tells how long it has slept", async () => {
    const { accepted } = await accept();
    const socket = poller!.adopt(accepted)!;
    closing.push(() => socket.destroy());
    const before = poller!.sleptMs;
    for (let round = 0; round < 10; round++) await new Promise<void>((resolve) => systemClock.after(3, resolve));
    expect(poller!.sleptMs).toBeGreaterThan(before);
  });

  test("serves its sockets as they become ready, while Node has nothing to do", async () => {
    const { client, accepted } = await accept();
    const socket = poller!.adopt(accepted)!;
    closing.push(() => socket.destroy());
    socket.on("data", (bytes) => socket.write(bytes));
    for (let round = 0; round < 20; round++) {
      const echoed = once(client, "data");
      client.write(`${round}`);
      expect(String(await echoed)).toBe(`${round}`);
    }
  });
});

describe.skipIf(poller === undefined)("a poller that is closed", () => {
  test("adopts nothing any more, leaves the socket as it is, and gives its descriptor back once", async () => {
    const table = new DescriptorTable(4);
    const short = Poller.open(table)!;
    short.close();
    short.close();
    expect(new Int32Array(table.shared).every((place) => place === 0)).toBe(true);
    const { client, accepted } = await accept();
    expect(short.adopt(accepted)).toBeUndefined();
    accepted.resume();
    const heard = once(accepted, "data");
    client.write("text");
    expect(String(await heard)).toBe("text");
  });

  test("leaves to Node what its table has no place for", async () => {
    const full = Poller.open(new DescriptorTable(1))!;
    const { accepted } = await accept();
    expect(full.adopt(accepted)).toBeUndefined();
    expect(accepted.destroyed).toBe(false);
    full.close();
  });
});
