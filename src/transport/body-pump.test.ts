import { describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { settle } from "../base/fake-clock.ts";
import { BodyPump, type BodySink, discardBody } from "./body-pump.ts";

/** A sink that notes what it is told, and makes every piece wait for `room` when there is one. */
class NotingSink implements BodySink {
  readonly notes: string[] = [];
  room: Deferred<void> | undefined = undefined;

  piece(bytes: Uint8Array): Promise<void> | undefined {
    this.notes.push(Buffer.from(bytes).toString());
    return this.room?.promise;
  }

  end(): void {
    this.notes.push("[end]");
  }

  broken(reason: unknown): void {
    this.notes.push(`[broken: ${reason instanceof Error ? reason.message : String(reason)}]`);
  }
}

function pumpOf(body: AsyncIterable<Uint8Array>) {
  const sink = new NotingSink();
  const reports: string[] = [];
  const reporter = { report: (event: string, detail?: unknown) => void reports.push(`${event}: ${(detail as Error).message}`) };
  return { sink, reports, reporter, pump: new BodyPump(body, sink, reporter) };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield Buffer.from(text);
}

/** An iterable by hand, which counts its `return()`s. */
function handMade(next: () => Promise<IteratorResult<Uint8Array>>, onReturn?: () => Promise<IteratorResult<Uint8Array>>) {
  let returned = 0;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next,
      return: () => {
        returned++;
        return onReturn?.() ?? Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { body, returned: () => returned };
}

describe("a body pump", () => {
  test("carries every piece but empty ones, then the end", async () => {
    const { sink, pump } = pumpOf(pieces("a", "", "b", "c"));
    await pump.run();
    expect(sink.notes).toEqual(["a", "b", "c", "[end]"]);
  });

  test("carries a body without pieces", async () => {
    const { sink, pump } = pumpOf(pieces());
    await pump.run();
    expect(sink.notes).toEqual(["[end]"]);
  });

  test("asks for no piece while the sink has no room", async () => {
    const { sink, pump } = pumpOf(pieces("a", "b", "c"));
    sink.room = deferred();
    const done = pump.run();
    await settle();
    expect(sink.notes).toEqual(["a"]);
    const { room } = sink;
    sink.room = undefined;
    room.resolve();
    await done;
    expect(sink.notes).toEqual(["a", "b", "c", "[end]"]);
  });

  test("gives others a turn in an endless body of small pieces", async () => {
    const { sink, pump } = pumpOf(
      (async function* () {
        for (;;) yield Buffer.from(".");
      })(),
    );
    const done = pump.run();
    await settle();
    const carried = sink.notes.length;
    expect(carried).toBeGreaterThan(1);
    expect(carried).toBeLessThan(100);
    pump.cancel();
    await done;
    expect(sink.notes).toHaveLength(carried);
  });

  test("says that a body has failed, and closes what did not fail by itself", async () => {
    const failing = pumpOf(
      (async function* () {
        yield Buffer.from("a");
        throw new Error("no more");
      })(),
    );
    await failing.pump.run();
    expect(failing.sink.notes).toEqual(["a", "[broken: no more]"]);

    const { body, returned } = handMade(() => Promise.resolve({ done: false, value: "text" as never }));
    const wrong = pumpOf(body);
    await wrong.pump.run();
    expect(wrong.sink.notes).toEqual(["[broken: a streamed body gave something else than bytes]"]);
    expect(returned()).toBe(1);
  });

  test("that is cancelled runs a generator's finally and says nothing more", async () => {
    let closed = false;
    const { sink, pump } = pumpOf(
      (async function* () {
        try {
          yield Buffer.from("a");
          yield Buffer.from("b");
        } finally {
          closed = true;
        }
      })(),
    );
    sink.room = deferred();
    void pump.run();
    await settle();
    pump.cancel();
    pump.cancel();
    sink.room.reject(new Error("gone"));
    await settle();
    expect(closed).toBe(true);
    expect(sink.notes).toEqual(["a"]);
  });

  test("that is cancelled calls return() at once, once, and ignores the piece it waited for", async () => {
    const piece = deferred<IteratorResult<Uint8Array>>();
    const { body, returned } = handMade(() => piece.promise);
    const { sink, pump } = pumpOf(body);
    const done = pump.run();
    pump.cancel();
    pump.cancel();
    expect(returned()).toBe(1);
    piece.resolve({ done: false, value: Buffer.from("late") });
    await done;
    expect(sink.notes).toEqual([]);
  });

  test.each<[string, () => Promise<IteratorResult<Uint8Array>>]>([
    ["rejects", () => Promise.reject(new Error("stuck"))],
    [
      "throws",
      () => {
        throw new Error("stuck");
      },
    ],
  ])("reports a return() that %s", async (_, onReturn) => {
    const { body } = handMade(() => new Promise(() => undefined), onReturn);
    const { reports, reporter, pump } = pumpOf(body);
    void pump.run();
    pump.cancel();
    discardBody(body, reporter);
    await settle();
    expect(reports).toEqual(["handler_fault: stuck", "handler_fault: stuck"]);
  });

  test("discards a body that was never begun", () => {
    let asked = 0;
    const { body, returned } = handMade(() => {
      asked++;
      return Promise.resolve({ done: true, value: undefined });
    });
    discardBody(body, { report: () => undefined });
    expect([asked, returned()]).toEqual([0, 1]);
  });
});
