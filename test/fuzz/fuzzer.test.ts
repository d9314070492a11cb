import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { CODEC_TARGETS } from "./codec-targets.ts";
import { keepCrash, readCorpus } from "./corpus.ts";
import { type FuzzOptions, fuzz } from "./fuzzer.ts";
import { longRun } from "./long-run.ts";
import { Random } from "./random.ts";
import { type FuzzTarget, piecesOf, refusal } from "./target.ts";
import { TRANSPORT_TARGETS } from "./transport-targets.ts";
import { Watchdog } from "./watchdog.ts";

const CORPUS = join(import.meta.dirname, "corpus");
const ALL = [...TRANSPORT_TARGETS, ...CODEC_TARGETS];

let watchdog: Watchdog;
let folder: string;
beforeAll(() => {
  watchdog = new Watchdog();
  folder = mkdtempSync(join(tmpdir(), "fuzz-"));
});
afterAll(async () => {
  await watchdog.close();
  rmSync(folder, { recursive: true });
});

const options = (more: Partial<FuzzOptions> = {}): FuzzOptions => ({
  seed: 1,
  inputs: 2000,
  corpus: [{ name: "seed", bytes: Buffer.from("key: 12") }],
  watchdog,
  ...more,
});

/** A reader of `key: NUMBER` that calls `planted` for what it accepts. */
const reader = (planted: (number: number, input: Buffer) => unknown): FuzzTarget => ({
  name: "planted",
  dictionary: [],
  run(input) {
    try {
      const found = /^key: (-?[0-9]+)$/.exec(input.toString("latin1"));
      if (found === null) throw new ServingError("invalid-argument", "expected a number");
      planted(Number(found[1]), input);
      return { accepted: true, shape: "" };
    } catch (reason) {
      return refusal(reason);
    }
  },
});

describe("a planted fault is found", () => {
  test.each<[string, FuzzTarget, string]>([
    [
      "a foreign error",
      reader((number) => {
        if (number > 2 ** 31) throw new TypeError("too much");
      }),
      "TypeError: too much",
    ],
    [
      "a foreign error that was wrapped",
      reader((number) => {
        if (number > 2 ** 31) throw ServingError.from(new RangeError("wrapped"));
      }),
      "RangeError: wrapped",
    ],
    [
      "a buffer as large as a number says",
      reader((number) => new Uint8Array(Math.min(Math.max(number, 0), 2 ** 25))),
      "made buffers of",
    ],
    [
      "a rejection",
      {
        ...reader(() => undefined),
        run: async (input) => (input.includes(0xff) ? Promise.reject(new Error("rejected")) : { accepted: true, shape: "" }),
      },
      "Error: rejected",
    ],
  ])("%s", async (_, target, fault) => {
    const { crashes } = await fuzz(target, options());
    expect(crashes).toHaveLength(1);
    expect(crashes[0]!.fault).toContain(fault);
    expect(crashes[0]!.input.length).toBeGreaterThan(0);
  });
});

test("the same seed gives the same inputs, another one others", async () => {
  const inputsOf = async (seed: number) => {
    const seen: string[] = [];
    await fuzz(
      reader((_, input) => seen.push(input.toString("hex"))),
      options({ seed }),
    );
    return seen;
  };
  const first = await inputsOf(7);
  expect(first.length).toBeGreaterThan(50);
  expect(await inputsOf(7)).toEqual(first);
  expect(await inputsOf(8)).not.toEqual(first);
});

test("numbers are spread evenly", () => {
  const random = new Random(3);
  const counts = Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("pieces are the input, and the same each time", () => {
  for (let length = 0; length < 300; length++) {
    const input = Buffer.alloc(length, length);
    expect(Buffer.concat(piecesOf(input))).toEqual(input);
    expect(piecesOf(input)).toEqual(piecesOf(input));
  }
});

test("a crash that was kept is part of the corpus", () => {
  const name = keepCrash(folder, "parser", Buffer.from("x"));
  expect(readCorpus(folder, "parser")).toEqual([{ name, bytes: Buffer.from("x") }]);
});

test("every parser has a corpus, and every corpus a parser, with no crash that has no name yet", () => {
  expect(
    readdirSync(CORPUS)
      .filter((name) => !name.startsWith("."))
      .sort(),
  ).toEqual(ALL.map(({ name }) => name).sort());
  for (const { name } of ALL) {
    const entries = readCorpus(CORPUS, name);
    expect(entries.length).toBeGreaterThan(5);
    expect(entries.filter((entry) => /^crash-[0-9a-f]+$/.test(entry.name))).toEqual([]);
    for (const { bytes } of entries) expect(bytes.length).toBeLessThan(8192);
  }
});

/** Runs as `scripts/fuzz.mjs` does; the exit code and what was shown. */
async function longRunOf(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const shown: string[] = [];
  const code = await longRun([...args, `--corpus=${CORPUS}`], (text) => void shown.push(text));
  return { code, text: shown.join("") };
}

describe("the long run", () => {
  test("counts, guided by coverage, and ends well without a crash", async () => {
    const { code, text } = await longRunOf("--target=base64", "--inputs=600", "--seed=3");
    expect(code).toBe(0);
    expect(text).toMatch(/^base64: 600 inputs, \d+ accepted, \d+ refused, \d+ outcomes, \d+ kept, 0 crashes, .*\/s$/m);
    expect(text).toMatch(/no crash\n$/);
  });

  test("repeats one input", async () => {
    const input = readFileSync(join(CORPUS, "base64", "long")).toString("base64");
    const { code, text } = await longRunOf("--target=base64", `--input=${input}`);
    expect([code, text.slice(0, 10)]).toEqual([0, "accepted: "]);
  });

  test("stops when its minutes are over", async () => {
    const { text } = await longRunOf("--target=base64", "--minutes=0");
    expect(text).toContain("base64: 1000 inputs");
  });

  test.each([
    ["--target=nothing", 'there is no parser "nothing"'],
    ["--inputs=many", "--inputs, --minutes and --seed are numbers"],
    ["--input=QQ==", "--input needs one --target"],
    ["--wrong", "Unknown option '--wrong'"],
  ])("refuses %s", async (argument, message) => {
    const { code, text } = await longRunOf(argument);
    expect(code).toBe(2);
    expect(text).toContain(message);
    expect(text).toContain("http2-frames");
  });
});
