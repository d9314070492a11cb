import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { ServingError } from "../../base/serving-error.ts";
import { PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";
import { type PickleOptions, readPickle } from "./read-pickle.ts";

const ALLOWED = new Set(["model.Part", "copyreg._reconstructor", "builtins.object", "collections.OrderedDict"]);
const options: PickleOptions = { allows: ({ full }) => ALLOWED.has(full) };
/** Bytes of a pickle in latin-1. */
const read = (text: string, more: Partial<PickleOptions> = {}): PickleValue =>
  readPickle(Buffer.from(text, "latin1"), { ...options, ...more });

const made = (args: PickleValue, change: Partial<PickleObject> = {}): PickleObject =>
  Object.assign(new PickleObject(new PickleName("model", "Part"), args), change);

describe("what a pickle says is plain data", () => {
  test.each<[string, string, PickleValue]>([
    ["None, and truth of both kinds", "(N\x88\x89I01\nI00\nt.", [null, true, false, true, false]],
    ["whole numbers", "(K\x05M\x01\x02J\xfe\xff\xff\xff\x8a\x02\xff\x00\x8a\x00I-7\nL12L\nt.", [5, 513, -2, 255, 0, -7, 12]],
    [
      "whole numbers beyond 2^53",
      "(\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00L-18446744073709551616L\nt.",
      [2n ** 64n - 1n, -(2n ** 64n)],
    ],
    ["a long number with its length in four bytes", "\x8b\x02\x00\x00\x00\x00\x80.", -32768],
    ["floats", "(G?\xf0\x00\x00\x00\x00\x00\x00F1.5\nF-inf\nFnan\nt.", [1, 1.5, Number.NEGATIVE_INFINITY, Number.NaN]],
    [
      "text of Python 3",
      "(X\x02\x00\x00\x00\xc3\xa9\x8c\x01a\x8d\x01\x00\x00\x00\x00\x00\x00\x00bV\\u00e9\\U0001f600\nt.",
      ["é", "a", "b", "é😀"],
    ],
    ["text of Python 2", "(S'a\\x00\\n\\'\\\\'\nU\x01\xe9T\x01\x00\x00\x00bt.", ["a\0\n'\\", "é", "b"]],
    ["bytes", "(C\x01aB\x01\x00\x00\x00bt.", [Buffer.from("a"), Buffer.from("b")]],
    [
      "lists and tuples",
      "((K\x01K\x02l]K\x03a](K\x04K\x05e)K\x06\x85K\x07K\x08\x86K\x01K\x02K\x03\x87t.",
      [[1, 2], [3], [4, 5], [], [6], [7, 8], [1, 2, 3]],
    ],
    ["dictionaries", "((K\x01K\x02d}K\x03K\x04s}(K\x05K\x06ut.", [new Map([[1, 2]]), new Map([[3, 4]]), new Map([[5, 6]])]],
    ["sets", "(\x8f(K\x01\x90(K\x02\x91t.", [new Set([1]), new Set([2])]],
    ["what is remembered and recalled", "(K\x01q\x07K\x02\x94h\x07h\x01K\x03p12\ng12\nt.", [1, 2, 1, 2, 3, 3]],
    ["what is taken away again", "(K\x01K\x020(K\x031t.", [1]],
    ["what is there twice", "(K\x012t.", [1, 1]],
    ["protocol and frame", "\x80\x05\x95\x03\x00\x00\x00\x00\x00\x00\x00K\x01.", 1],
  ])("%s", (_, text, value) => {
    expect(read(text)).toEqual(value);
  });

  test.each<[string, string, PickleValue]>([
    ["a call", "cmodel\nPart\n(K\x01tR.", made([1])],
    ["a name from two texts", "\x8c\x05model\x8c\x04Part\x93.", new PickleName("model", "Part")],
    ["a new object with a state", "cmodel\nPart\n)\x81}K\x01K\x02sb.", made([], { state: new Map([[1, 2]]) })],
    ["a new object with named arguments", "cmodel\nPart\n)}\x92.", made([])],
    [
      "Python 2's reconstruction",
      "ccopy_reg\n_reconstructor\n(cmodel\nPart\nc__builtin__\nobject\nNtRK\x05b.",
      made([new PickleName("builtins", "object")], { state: 5 }),
    ],
    ["Python 2's instances", "(K\x01imodel\nPart\n.", made([1])],
    ["Python 2's instances from the stack", "(cmodel\nPart\nK\x01o.", made([1])],
    ["what is appended and set", "cmodel\nPart\n)RK\x01a(K\x02K\x03u.", made([], { items: [1], entries: new Map([[2, 3]]) })],
  ])("%s is a record of what was asked for", (_, text, value) => {
    expect(read(text)).toEqual(value);
  });

  test("a value within itself is within itself", () => {
    const list = read("]q\x00h\x00a.") as PickleValue[];
    expect(list[0]).toBe(list);
  });

  test("bytes and pickles behind an object are its own", () => {
    const inline: PickleOptions["inline"] = ({ state }) =>
      state === 1 ? { kind: "bytes", length: 2, aligned: true } : { kind: "pickle" };
    expect(read("(cmodel\nPart\n)RK\x01b\x03...abcmodel\nPart\n)RK\x02bK\x07.t.", { inline })).toEqual([
      made([], { state: 1, inline: Buffer.from("ab") }),
      made([], { state: 2, inline: 7 }),
    ]);
  });
});

describe("nothing is called", () => {
  test.each([
    ["os.system", "cos\nsystem\n(S'id'\ntR.", "os.system"],
    ["posix.system by the name of a module's module", "cposix\nsystem\n(S'id'\ntR.", "posix.system"],
    ["eval", "cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"],
    ["Python 2's eval", "c__builtin__\neval\n(S'1'\ntR.", "builtins.eval"],
    ["getattr", "cbuiltins\ngetattr\n(cmodel\nPart\nS'x'\ntR.", "builtins.getattr"],
    ["a name made of texts", "\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"],
    ["a name recalled", "\x8c\x06systemq\x010\x8c\x02osh\x01\x93\x8c\x02id\x85R.", "os.system"],
    ["an instance", "(S'id'\nios\nsystem\n.", "os.system"],
    ["a class made without its constructor", "csubprocess\nPopen\n)\x81.", "subprocess.Popen"],
    ["a dotted name in an allowed module", "\x8c\x05model\x8c\x10Part.__globals__\x93.", "model.Part.__globals__"],
    ["the class of an instance", "ccopyreg\n_reconstructor\n(cos\n_wrap_close\ncbuiltins\nobject\nNtR.", "os._wrap_close"],
  ])("%s is refused by its name", (_, text, name) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: `the pickle calls ${name}, which is not a model's part` }),
    );
  });

  test("a name that is not one is shown as far as it can be", () => {
    expect(() => read(`c${"a".repeat(200)}\nb\n.`)).toThrow(`the pickle calls ${"a".repeat(100)}, which`);
    expect(() => read("ca\x1b[2J\nb\n.")).toThrow("the pickle calls a??2J.b, which");
  });
});

describe("what is damaged, endless or elsewhere is refused", () => {
  const tail = /^the pickle .* \(byte \d+\)$/;
  test.each<[string, string, ServingError["code"], RegExp]>([
    ["nothing", "", "data-loss", /breaks off: 1 bytes should follow, 0 do/],
    ["no end", "K\x01", "data-loss", /breaks off/],
    ["an end without a value", ".", "data-loss", /needs a value/],
    ["a value below a mark", "K\x01(2.", "data-loss", /needs a value/],
    ["an unknown code", "\x00.", "data-loss", /the unknown code 0x00/],
    ["a huge text", "X\xff\xff\xff\xffa.", "data-loss", /4294967295 bytes should follow, 2 do/],
    ["a huge text of eight bytes' length", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "data-loss", /should follow/],
    ["huge bytes", "\x8e\x00\x00\x00\x00\x00\x01\x00\x00.", "data-loss", /should follow/],
    ["a huge number", "\x8b\xff\xff\xff\x7f.", "data-loss", /a number of 2147483647 bytes/],
    ["a number of many digits", `I${"9".repeat(5000)}\n.`, "data-loss", /more than 4096 characters/],
    ["a line without an end", "I12", "data-loss", /breaks off in a line/],
    ["a number that is none", "I0x10\n.", "data-loss", /whole number/],
    ["a float that is none", "F1,5\n.", "data-loss", /a number is expected/],
    ["a string without quotes", "Sabc\n.", "data-loss", /without quotes/],
    ["recalling nothing", "h\x05.", "data-loss", /recalls 5/],
    ["a key without a value", "(K\x01d.", "data-loss", /without a value/],
    ["appending to a number", "K\x01K\x02a.", "data-loss", /no list/],
    ["an entry of a list", "]K\x01K\x02s.", "data-loss", /no dictionary/],
    ["adding to a list", "](K\x01\x90.", "data-loss", /no set/],
    ["calling a text", "S'os.system'\n)R.", "data-loss", /calls what is no name/],
    ["calling what a call gives", "cmodel\nPart\n)R)R.", "data-loss", /calls what is no name/],
    ["reconstructing no class", "ccopyreg\n_reconstructor\n(K\x01tR.", "data-loss", /no class/],
    ["a state for a list", "]K\x01b.", "data-loss", /no object/],
    ["a name of numbers", "K\x01K\x02\x93.", "data-loss", /no text/],
    ["a mark that is not there", "t.", "data-loss", /mark/],
  ])("%s", (_, text, code, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    expect(() => read(text)).toThrow(tail);
  });

  test.each<[string, string, string]>([
    ["persistent ids", "Pfile\n.", "an object outside of the file"],
    ["persistent ids from the stack", "K\x01Q.", "an object outside of the file"],
    ["extensions", "\x82\x01.", "registry of extensions"],
    ["extensions of two bytes", "\x83\x01\x00.", "registry of extensions"],
    ["extensions of four bytes", "\x84\x01\x00\x00\x00.", "registry of extensions"],
    ["buffers", "\x97.", "a buffer outside of the file"],
    ["a later protocol", "\x80\x06N.", "of protocol 6"],
  ])("%s are not there", (_, text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: "unimplemented", message: expect.stringContaining(message) }),
    );
  });

  test.each([
    ["dictionaries", "}", 1_000_000],
    ["lists within lists", "]q\x00", 1_000_000],
    ["marks", "(", 5_000_000],
    ["what is remembered", "N\x94", 1_500_000],
    ["recalled again and again", "h\x00", 5_000_000],
  ])("too many %s take no more memory than they may", (_, piece, times) => {
    expect(() => read(`N\x94${piece.repeat(times)}.`, { mostBytes: 2 ** 24 })).toThrow(
      expect.objectContaining({
        code: "resource-exhausted",
        message: "the pickle's values take more than 16777216 bytes of memory",
      }),
    );
  });

  test("depth needs no stack", () => {
    let value = read(`${"(".repeat(100_000)}N${"t".repeat(100_000)}.`);
    let depth = 0;
    for (; Array.isArray(value); value = value[0]!) depth++;
    expect(depth).toBe(100_000);
  });

  test("pickles within one another end", () => {
    const inline: PickleOptions["inline"] = () => ({ kind: "pickle" });
    expect(() => read("cmodel\nPart\n)RNb".repeat(17), { inline })).toThrow(
      expect.objectContaining({ code: "resource-exhausted", message: "the pickle has more than 16 pickles within one another" }),
    );
  });
});

describe.skipIf(!hasPython())("what Python wrote", () => {
  const VALUE =
    "[1, -2**70, 2.5, 'é\\n', b'\\x00\\xff', None, True, (1,), {'a': [1, 2]}, 'x' * 300, list(range(1500)), float('inf')]";

  test.each([0, 1, 2, 3, 4, 5])("protocol %i reads as the same data", (protocol) => {
    const script = `import pickle, sys; sys.stdout.buffer.write(pickle.dumps(${VALUE}, ${protocol}))`;
    const bytes = execFileSync("python3", ["-c", script]);
    const value = readPickle(bytes, { allows: ({ full }) => full === "_codecs.encode" }) as PickleValue[];
    const [, , , , binary] = value;
    if (protocol < 3) expect((binary as PickleObject).args).toEqual(["\0ÿ", "latin1"]);
    else expect(Buffer.from(binary as Uint8Array)).toEqual(Buffer.from([0, 255]));
    expect(value.toSpliced(4, 1)).toEqual([
      1,
      -(2n ** 70n),
      2.5,
      "é\n",
      null,
      true,
      [1],
      new Map([["a", [1, 2]]]),
      "x".repeat(300),
      Array.from({ length: 1500 }, (_, i) => i),
      Number.POSITIVE_INFINITY,
    ]);
  });
});

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", ""], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
