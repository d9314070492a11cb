import { describe, expect, test } from "vitest";
import { LogOutput, type WriteBytes } from "./log-output.ts";

/** What the next call of `write` does: takes so many bytes, or fails. */
type Step = number | "EAGAIN" | "ENOSPC" | "EPIPE";

/** An output whose calls go as told, and then take everything; `text` is what got out. */
function outputOf(...steps: Step[]) {
  const out = { text: "", calls: 0 };
  const write: WriteBytes = (_descriptor, bytes, offset) => {
    out.calls++;
    const step = steps.shift() ?? bytes.length;
    if (typeof step === "string") throw Object.assign(new Error(step), { code: step });
    const taken = bytes.subarray(offset, offset + step);
    out.text += Buffer.from(taken).toString();
    return taken.length;
  };
  const output: LogOutput = new LogOutput(2, (lost) => output.write(`lost ${lost}\n`), write);
  return { out, output };
}

describe("a log line", () => {
  test.each<[string, Step[], string]>([
    ["is written whole", [], "one\ntwo\n"],
    ["is finished when it got out in part", [1, 2], "one\ntwo\n"],
    ["waits a little for its reader", ["EAGAIN", 2, "EAGAIN"], "one\ntwo\n"],
    ["is lost on a full disk, which is told once there is room", ["ENOSPC"], "two\nlost 1\n"],
    ["is lost with its reader, and nothing else is", ["EPIPE", "EPIPE", "EPIPE"], ""],
    ["that was torn is not continued by the next", [2, "ENOSPC"], "on\ntwo\nlost 1\n"],
    ["about losses is tried again", ["ENOSPC", 4, "ENOSPC"], "two\n"],
  ])("%s", (_name, steps, text) => {
    const { out, output } = outputOf(...steps);
    output.write("one\n");
    output.write("two\n");
    expect(out.text).toBe(text);
  });

  test("waits no second time for a reader that was given up on", () => {
    const { out, output } = outputOf(...Array.from({ length: 100 }, () => "EAGAIN" as const));
    output.write("one\n");
    const first = out.calls;
    output.write("two\n");
    expect([first, out.calls]).toEqual([21, 22]);
  });
});
