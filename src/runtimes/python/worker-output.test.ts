import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import { WorkerOutput } from "./worker-output.ts";

function output() {
  const stream = new PassThrough();
  const clock = new FakeClock();
  const lines: string[] = [];
  let dropped = 0;
  new WorkerOutput(
    stream,
    {
      line: (text) => lines.push(text),
      dropped: (bytes) => {
        dropped += bytes;
      },
    },
    clock,
  );
  const say = async (text: string) => {
    stream.write(text);
    await settle();
  };
  return { stream, clock, lines, say, dropped: () => dropped };
}

test("gives lines on as they end, wherever they were cut", async () => {
  const { lines, say, stream } = output();
  await say("one\ntw");
  await say("o\n\nthree");
  expect(lines).toEqual(["one", "two"]);
  stream.destroy();
  await settle();
  expect(lines).toEqual(["one", "two", "three"]);
});

test("cuts a long line and says how much was left out", async () => {
  const { clock, lines, say, dropped } = output();
  await say("x".repeat(10_000));
  await say(`${"x".repeat(10_000)}\nnext\n`);
  expect(lines.map(({ length }) => length)).toEqual([4096, 4]);
  await clock.advance(1000);
  await say("later\n");
  expect(dropped()).toBe(20_000 - 4096);
});

test("gives on a hundred lines a second and drops the rest", async () => {
  const { clock, lines, say, dropped } = output();
  await say("line\n".repeat(1000));
  expect(lines).toHaveLength(100);
  await clock.advance(1000);
  await say("again\n");
  expect([lines.length, lines[100], dropped()]).toEqual([101, "again", 900 * 5]);
});

test("begins again with a whole line after what it dropped", async () => {
  const { clock, lines, say } = output();
  await say(`${"line\n".repeat(100)}dropped\nhalf of`);
  await clock.advance(1000);
  await say(" a line\nwhole\n");
  expect(lines.slice(100)).toEqual(["whole"]);
});

test("says what was dropped though nothing more is printed", async () => {
  const { clock, say, dropped } = output();
  await say("line\n".repeat(1000));
  expect(dropped()).toBe(0);
  await clock.advance(1000);
  expect(dropped()).toBe(900 * 5);
});
