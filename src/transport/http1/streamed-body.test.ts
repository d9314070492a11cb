import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { settle } from "../../base/fake-clock.ts";
import { SocketWriter } from "../socket-writer.ts";
import { StreamedBody } from "./streamed-body.ts";

/** A streamed body on a socket that keeps each write; with `stuck`, it never finishes one. */
function bodyOn({ chunked = true, stuck = false } = {}) {
  const writes: string[] = [];
  const finish: (() => void)[] = [];
  const socket = new Writable({
    highWaterMark: 16 * 1024,
    write(bytes: Buffer, _encoding, done) {
      writes.push(bytes.toString("latin1"));
      if (stuck) finish.push(done);
      else done();
    },
  });
  const writer = new SocketWriter(socket as unknown as Socket, () => undefined);
  const ends: string[] = [];
  const body = new StreamedBody(writer, [Buffer.from("HEAD\r\n\r\n")], chunked, {
    ended: () => {
      ends.push("ended");
      writer.flush();
    },
    broken: () => void ends.push("broken"),
  });
  return { body, writes, ends, finish };
}

describe("a streamed body", () => {
  test("leaves in one write when it is short and there at once", () => {
    const { body, writes, ends } = bodyOn();
    expect(body.piece(Buffer.from("hello"))).toBeUndefined();
    expect(body.piece(Buffer.from("0123456789abcdef"))).toBeUndefined();
    body.end();
    expect(writes).toEqual(["HEAD\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"]);
    expect(ends).toEqual(["ended"]);
  });

  test("sends the head with the pieces of its turn, and later pieces each in their own", async () => {
    const { body, writes } = bodyOn();
    void body.piece(Buffer.from("a"));
    expect(writes).toEqual([]);
    await settle();
    void body.piece(Buffer.from("b"));
    await settle();
    expect(writes).toEqual(["HEAD\r\n\r\n1\r\na\r\n", "1\r\nb\r\n"]);
  });

  test("sends the head alone when the first piece takes its time", async () => {
    const { writes } = bodyOn();
    await settle();
    expect(writes).toEqual(["HEAD\r\n\r\n"]);
  });

  test("is sent as it is when the close of the connection ends it", () => {
    const { body, writes } = bodyOn({ chunked: false });
    void body.piece(Buffer.from("a"));
    void body.piece(Buffer.from("b"));
    body.end();
    expect(writes).toEqual(["HEAD\r\n\r\nab"]);
  });

  test("without pieces is its head and the last chunk", () => {
    const { body, writes } = bodyOn();
    body.end();
    expect(writes).toEqual(["HEAD\r\n\r\n0\r\n\r\n"]);
  });

  test("waits for a socket that is full", async () => {
    const { body, finish } = bodyOn({ stuck: true });
    const room = body.piece(Buffer.alloc(20_000));
    expect(room).toBeInstanceOf(Promise);
    let waited = false;
    void room?.then(() => {
      waited = true;
    });
    await settle();
    expect(waited).toBe(false);
    for (let done = finish.shift(); done !== undefined; done = finish.shift()) {
      done();
      await settle();
    }
    expect(waited).toBe(true);
  });

  test("that broke off sends what it had, without a last chunk", () => {
    const { body, writes, ends } = bodyOn();
    void body.piece(Buffer.from("a"));
    body.broken(new Error("no more"));
    expect(writes).toEqual(["HEAD\r\n\r\n1\r\na\r\n"]);
    expect(ends).toEqual(["broken"]);
  });
});
