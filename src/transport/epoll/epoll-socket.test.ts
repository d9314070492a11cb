import { once } from "node:events";
import { closeSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { duplicateDescriptor } from "../descriptor.ts";
import { atTurnEnd } from "../turn-end.ts";
import { DescriptorTable } from "./descriptor-table.ts";
import type { EpollSocket } from "./epoll-socket.ts";
import { Poller } from "./poller.ts";

const descriptors = new DescriptorTable(64);
const poller = Poller.open(descriptors, 1);

const open: { readonly server: Server; readonly client: Socket; readonly socket: EpollSocket }[] = [];

/** A polled socket, the client at its other end, and what the socket has told. */
async function pair() {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => undefined);
  const [accepted] = (await once(server, "connection")) as [Socket];
  const socket = poller!.adopt(accepted)!;
  const events: string[] = [];
  socket.on("end", () => events.push("end"));
  socket.on("close", () => events.push("close"));
  socket.on("drain", () => events.push("drain"));
  socket.on("error", ({ code }: NodeJS.ErrnoException) => events.push(String(code)));
  open.push({ server, client, socket });
  return { client, socket, events };
}

afterEach(() => {
  for (const { server, client, socket } of open.splice(0)) {
    socket.destroy();
    client.destroy();
    server.close();
  }
});

/** Everything a client reads until the other side ends. */
async function readAll(client: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of client) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** The next bytes a socket gives. */
async function received(socket: EpollSocket): Promise<string> {
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString("latin1");
}

function counted(length: number, from = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = ((at + from) * 31 + ((at + from) >> 8)) & 0xff;
  return bytes;
}

/** More than any system takes in at once. */
const MUCH = 16 * 1024 * 1024;

describe.skipIf(poller === undefined)("a polled socket", () => {
  test("gives what arrives, and bytes that stay as they were given", async () => {
    const { client, socket } = await pair();
    const given: Buffer[] = [];
    socket.on("data", (bytes) => given.push(bytes));
    for (let round = 0; round < 100; round++) {
      const next = once(socket, "data");
      client.write(counted(1000, round));
      await next;
    }
    const all = Buffer.concat(given);
    expect(all.length).toBe(100_000);
    for (let round = 0; round < 100; round++) {
      expect(Buffer.compare(all.subarray(round * 1000, (round + 1) * 1000), counted(1000, round))).toBe(0);
    }
  });

  test("sends far more than the system takes at once whole and in order, whatever the pieces", async () => {
    const { client, socket, events } = await pair();
    const sizes = [1, 100_000, 3, 20_000, 0, 1_000_000, 5, 64 * 1024, MUCH, 17, 400, 16 * 1024];
    const expected: Buffer[] = [];
    let total = 0;
    for (const [index, size] of sizes.entries()) {
      if (index % 4 === 0) socket.cork();
      if (index % 4 === 3) socket.uncork();
      const bytes = counted(size, total);
      total += size;
      expected.push(bytes);
      socket.write(bytes);
    }
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(socket.writableNeedDrain).toBe(true);
    socket.uncork();
    const drained = once(socket, "drain");
    const all: Buffer[] = [];
    client.on("data", (bytes: Buffer) => all.push(bytes));
    await drained;
    socket.end();
    await once(client, "end");
    expect(Buffer.compare(Buffer.concat(all), Buffer.concat(expected))).toBe(0);
    expect(socket.writableLength).toBe(0);
    expect(socket.bytesWritten).toBe(total);
    expect(events).toEqual(["drain"]);
  });

  test("says when each write has been taken, in order", async () => {
    const { client, socket } = await pair();
    const written: number[] = [];
    for (let index = 0; index < 5; index++) socket.write(counted(MUCH / 4), () => written.push(index));
    expect(written.length).toBeLessThan(5);
    socket.end();
    await readAll(client);
    expect(written).toEqual([0, 1, 2, 3, 4]);
  });

  test("says nothing of drain once its end was asked for", async () => {
    const { client, socket, events } = await pair();
    const all = readAll(client);
    socket.write(counted(MUCH));
    socket.end();
    expect(socket.writableNeedDrain).toBe(false);
    expect((await all).length).toBe(MUCH);
    expect(events).not.toContain("drain");
  });

  test("sends each byte once when a writer that is told goes on writing", async () => {
    const { client, socket } = await pair();
    const all = readAll(client);
    const more = (): void => {
      socket.cork();
      socket.write(Buffer.from("c"));
      socket.uncork();
    };
    socket.cork();
    socket.write(Buffer.from("a"), more);
    socket.write(Buffer.from("b"));
    socket.uncork();
    await turns(3);
    socket.end();
    expect((await all).toString()).toBe("abc");
  });

  test("holds writes back until it was uncorked as often as corked, or ended", async () => {
    const { client, socket } = await pair();
    const all = readAll(client);
    socket.cork();
    socket.cork();
    socket.write(Buffer.from("one "));
    socket.uncork();
    expect(socket.writableLength).toBe(4);
    socket.uncork();
    expect(socket.writableLength).toBe(0);
    socket.cork();
    socket.cork();
    socket.write(Buffer.from("two"));
    socket.end();
    expect((await all).toString()).toBe("one two");
  });

  test("that was ended closes when it is to be destroyed soon", async () => {
    const { socket, events } = await pair();
    socket.end();
    socket.destroySoon();
    await closed(socket, events);
    expect(events).toEqual(["close"]);
  });

  test("tells of a failed write after the call, not within it", async () => {
    const { client, socket, events } = await pair();
    socket.pause();
    client.resetAndDestroy();
    await turns(5);
    socket.write(Buffer.from("x"));
    expect(events).toEqual([]);
    await closed(socket, events);
    expect(events.at(-1)).toBe("close");
  });

  test("keeps what was read of a socket that another one pauses in the same turn", async () => {
    const first = await pair();
    const second = await pair();
    const heard: string[] = [];
    const listen = (name: string, { socket }: typeof first, other: EpollSocket) =>
      socket.on("data", (bytes) => {
        heard.push(`${name} ${bytes}`);
        if (heard.length === 1) other.pause();
      });
    listen("first", first, second.socket);
    listen("second", second, first.socket);
    first.client.write("x");
    second.client.write("x");
    await turns(5);
    expect(heard.length).toBe(1);
    for (const { socket } of [first, second]) if (socket.isPaused()) socket.resume();
    await turns(5);
    expect(heard.sort()).toEqual(["first x", "second x"]);
  });

  test("hears nothing any more when another one destroys it in the same turn", async () => {
    const pairs = [await pair(), await pair(), await pair()];
    let heard = 0;
    for (const { socket } of pairs) {
      socket.on("data", () => {
        heard++;
        for (const other of pairs) other.socket.destroy();
      });
    }
    for (const { client } of pairs) client.write("x");
    await Promise.all(pairs.map(({ socket, events }) => closed(socket, events)));
    expect(heard).toBe(1);
  });

  test("that throws keeps nothing from the others, nor from the turns after", async () => {
    const pairs = [await pair(), await pair(), await pair()];
    for (const [index, { socket }] of pairs.entries()) {
      socket.on("data", (bytes) => {
        if (index === 1 && bytes.toString() === "1") throw new Error("thrown by a listener");
        socket.write(bytes);
      });
    }
    const answers = Promise.all(pairs.map(async ({ client }, index) => (index === 1 ? [] : await once(client, "data"))));
    const thrown = nextUncaught();
    for (const { client } of pairs) client.write("1");
    expect((await thrown).message).toBe("thrown by a listener");
    await answers;
    await new Promise<void>((endTurn) => atTurnEnd({ endTurn }));
    const again = Promise.all(pairs.map(({ client }) => once(client, "data")));
    for (const { client } of pairs) client.write("2");
    expect((await again).join()).toBe("2,2,2");
  });

  test("that is closed while a process being started still holds it harms no other", async () => {
    const { client, socket, events } = await pair();
    const held = duplicateDescriptor(socket.fd);
    socket.destroy();
    await closed(socket, events);
    client.write("for nobody");
    const other = await pair();
    other.socket.on("data", (bytes) => other.socket.write(bytes));
    const echoed = once(other.client, "data");
    other.client.write("echo");
    expect(String(await echoed)).toBe("echo");
    closeSync(held);
  });

  test("never says drain within the writer's own call", async () => {
    const { client, socket } = await pair();
    let within = false;
    const drained = new Promise<boolean>((resolve) => socket.on("drain", () => resolve(within)));
    client.resume();
    within = true;
    socket.cork();
    socket.write(counted(20_000));
    socket.uncork();
    within = false;
    expect(await drained).toBe(false);
  });

  test("that is paused is not read, and goes on when it is resumed", async () => {
    const { client, socket } = await pair();
    const first = received(socket);
    client.write("first");
    expect(await first).toBe("first");
    socket.pause();
    let early = "";
    socket.on("data", (bytes) => {
      early += bytes.toString("latin1");
    });
    client.write("second");
    await turns(20);
    expect(early).toBe("");
    const second = received(socket);
    socket.resume();
    expect(await second).toBe("second");
  });

  test("keeps its side open after the peer's end when it may", async () => {
    const { client, socket, events } = await pair();
    socket.allowHalfOpen = true;
    const ended = once(socket, "end");
    client.end();
    await ended;
    socket.write(Buffer.from("still here"));
    socket.end();
    expect((await readAll(client)).toString()).toBe("still here");
    await closed(socket, events);
    expect(events).toEqual(["end", "close"]);
  });

  test("closes after the peer's end when it may not stay half open", async () => {
    const { client, socket, events } = await pair();
    socket.allowHalfOpen = false;
    client.end();
    await closed(socket, events);
    expect(events).toEqual(["end", "close"]);
    expect(socket.writable).toBe(false);
  });

  test("tells of a reset as an error, then closes", async () => {
    const { client, socket, events } = await pair();
    client.resetAndDestroy();
    await closed(socket, events);
    expect(events).toEqual(["ECONNRESET", "close"]);
  });

  test("resets the peer when it is told to", async () => {
    const { client, socket } = await pair();
    const failed = once(client, "error");
    socket.resetAndDestroy();
    const [reason] = (await failed) as [NodeJS.ErrnoException];
    expect(reason.code).toBe("ECONNRESET");
  });

  test("tells of a failed write as an error", async () => {
    const { client, socket, events } = await pair();
    socket.pause();
    client.resetAndDestroy();
    for (let round = 0; round < 1000 && socket.writable; round++) {
      socket.write(Buffer.from("x"));
      await turns(1);
    }
    await closed(socket, events);
    expect(events.at(-1)).toBe("close");
    expect(["EPIPE", "ECONNRESET"]).toContain(events.at(-2));
  });

  test("sends all before it closes when it is to be destroyed soon", async () => {
    const { client, socket, events } = await pair();
    const all = readAll(client);
    socket.write(counted(MUCH));
    socket.destroySoon();
    expect((await all).length).toBe(MUCH);
    await closed(socket, events);
  });

  test("says nothing more once it is destroyed, whatever has arrived", async () => {
    const { client, socket, events } = await pair();
    const heard: unknown[] = [];
    socket.on("data", (bytes) => {
      heard.push(bytes.length);
      socket.destroy();
    });
    client.write("one");
    await closed(socket, events);
    client.write("two");
    await turns(10);
    expect(heard).toEqual([3]);
    expect(socket.write(Buffer.from("late"))).toBe(false);
  });

  test("does not keep Node's own timers and sockets waiting", async () => {
    await pair();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { client, socket } = await pair();
    const echoed = once(client, "data");
    socket.on("data", (bytes) => socket.write(bytes));
    client.write("echo");
    const [bytes] = (await echoed) as [Buffer];
    expect(bytes.toString()).toBe("echo");
  });

  test("gives its descriptor back", async () => {
    const before = left();
    const { socket, events } = await pair();
    expect(left()).toBe(before + 1);
    socket.destroy();
    await closed(socket, events);
    expect(left()).toBe(before);
  });
});

/** The next exception that nobody catches, which is kept from the test runner. */
async function nextUncaught(): Promise<Error> {
  const runners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const [reason] = (await once(process, "uncaughtException")) as [Error];
  for (const listener of runners) process.on("uncaughtException", listener);
  return reason;
}

/** Descriptors the poller owns. */
function left(): number {
  return new Int32Array(descriptors.shared).filter((noted) => noted !== 0).length;
}

/** Waits for a socket to close, if it has not. */
async function closed(socket: EpollSocket, events: readonly string[]): Promise<void> {
  if (!events.includes("close")) await new Promise<void>((resolve) => socket.on("close", resolve));
}

/** Lets the event loop go round. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
