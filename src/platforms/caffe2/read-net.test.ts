import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Argument, Net, Operator } from "./net-def.ts";
import { readNet } from "./read-net.ts";
import { readNetText } from "./read-net-text.ts";
import { encodeNet, netOf, op } from "./test-nets.ts";

const never = new AbortController().signal;

const name = fc.string({ maxLength: 12 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 6 });
const argument: fc.Arbitrary<Argument> = fc.oneof(
  fc.float().map((float) => ({ float })),
  int64.map((integer) => ({ integer })),
  bytes.map((text) => ({ text })),
  fc.float32Array({ minLength: 1 }).map((floats) => ({ floats })),
  fc.array(int64, { minLength: 1 }).map((list) => ({ integers: BigInt64Array.from(list) })),
  fc.array(bytes, { minLength: 1 }).map((texts) => ({ texts })),
  fc.constant({ nested: true } as const),
);
const operator: fc.Arbitrary<Operator> = fc.record({
  type: name,
  name,
  inputs: fc.array(name),
  outputs: fc.array(name),
  args: fc.uniqueArray(fc.tuple(name, argument), { selector: ([key]) => key }).map((entries) => new Map(entries)),
});
const net: fc.Arbitrary<Net> = fc.record({
  file: fc.constant("predict_net.pb"),
  operators: fc.array(operator),
  externalInputs: fc.array(name),
  externalOutputs: fc.array(name),
});

test("a net is read as it was written, lists packed or not", async () => {
  await fc.assert(
    fc.asyncProperty(net, fc.boolean(), async (written, packed) => {
      expect(await readNet(encodeNet(written, packed), written.file, never)).toEqual(written);
    }),
  );
});

test("a net in text form is read as it was written", async () => {
  await fc.assert(
    fc.asyncProperty(net, async (written) => {
      expect(await readNetText(textOf(written), written.file, never)).toEqual(written);
    }),
  );
});

test("a list written in parts, packed and not, is one", async () => {
  const part = (tag: string, hex: string) => Buffer.from(tag + hex, "hex");
  const one = Buffer.concat([
    part("2d", "0000803f"),
    part("2d", "00000040"),
    part("2a08", "0000404000008040"),
    part("2d", "0000a040"),
  ]);
  const integers = Buffer.concat([part("30", "01"), part("3202", "0203"), part("30", "04")]);
  const [floats, whole] = await Promise.all([one, integers].map((list) => readNet(withArgument(list), "init_net.pb", never)));
  expect([...floats!.operators[0]!.args.get("")!.floats!]).toEqual([1, 2, 3, 4, 5]);
  expect([...whole!.operators[0]!.args.get("")!.integers!]).toEqual([1n, 2n, 3n, 4n]);
});

test("an argument given twice is refused", async () => {
  const file = withArgument(Buffer.from("1801", "hex"));
  const argument = file.subarray(2);
  const twice = Buffer.concat([Buffer.from([0x12, 2 * argument.length]), argument, argument]);
  await expect(readNet(twice, "n.pb", never)).rejects.toThrow(
    'n.pb is no net of Caffe2\'s: an operator has the argument "" twice',
  );
});

test("bits of numbers that are none are kept", async () => {
  const read = await readNet(withArgument(Buffer.from("2d0100a07f2d0100c0ff", "hex")), "init_net.pb", never);
  expect(Buffer.from(read.operators[0]!.args.get("")!.floats!.buffer).toString("hex")).toBe("0100a07f0100c0ff");
});

test("others get turns while much is read, and reading ends when it is no longer wanted", async () => {
  const count = 2_000_000;
  const list = Buffer.alloc(count * 5, Buffer.from("2d0000c03f", "hex"));
  const file = withArgument(list);
  let turns = 0;
  const turn = (): void => {
    turns++;
    waiting = setImmediate(turn);
  };
  let waiting = setImmediate(turn);
  const read = await readNet(file, "init_net.pb", never);
  clearImmediate(waiting);
  expect(turns).toBeGreaterThan(4);
  const floats = read.operators[0]!.args.get("")!.floats!;
  expect([floats.length, floats.every((value) => value === 1.5)]).toEqual([count, true]);
  const controller = new AbortController();
  const reading = readNet(file, "init_net.pb", controller.signal);
  controller.abort();
  await expect(reading).rejects.toMatchObject({ code: "cancelled" });
});

test("a file cut off anywhere is refused by its name, or is a shorter net", async () => {
  const whole = encodeNet(netOf("n.pb", [op("Conv", ["x", "w"], ["y"], { kernels: [3, 3], alpha: 0.5, order: "NCHW" })]));
  for (let length = 0; length < whole.length; length++) {
    const outcome = await readNet(whole.subarray(0, length), "n.pb", never).catch((reason: Error) => reason);
    if (outcome instanceof Error) expect(outcome.message).toMatch(/^n\.pb is no net of Caffe2's: malformed/);
    else expect(outcome.operators.length).toBe(0);
  }
});

describe("what is wrong in text is told with its place", () => {
  test.each([
    ["a number for a text", "op { type: 3 }", 'predict_net.pbtxt:1:12: expected a string, got "3"'],
    [
      "an argument given twice",
      "op { arg { name: 'a' i: 1 }\n arg { name: 'a' } }",
      'predict_net.pbtxt:2:6: the operator has the argument "a" twice',
    ],
    ["a fraction", "op { arg { ints: 1.5 } }", 'predict_net.pbtxt:1:18: expected an integer of 64 bits, got "1.5"'],
    ["no end", "op { type: 'FC'", 'predict_net.pbtxt:1:16: expected a field or "}", got the end of the text'],
    ["depth", `op ${"{ x ".repeat(200)}`, "predict_net.pbtxt:1:402: expected messages nested no deeper than 100, got"],
  ])("%s", async (_what, text, message) => {
    await expect(readNetText(text, "predict_net.pbtxt", never)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringContaining(message) as string,
    });
  });
});

test.each([
  "name: 'n' op < type: \"Re\" 'lu', input: ['a'] output: 'b'; device_option { device_type: 1 cuda_gpu_id: 0 } > # all",
  "op: [{ type: 'Relu' input: 'a' output: 'b' engine: 'x' }]; num_workers: -4 [a.b/c] { d: [1, 2] } external_input: []",
])("text may be written as %s", async (text) => {
  expect((await readNetText(text, "p", never)).operators).toEqual([op("Relu", ["a"], ["b"])]);
});

/** A net of one operator with one argument, which holds these fields alone. */
function withArgument(fields: Buffer): Buffer {
  const argument = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(fields).finish();
  return Buffer.from(new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(argument).finish());
}

function textOf({ operators, externalInputs, externalOutputs }: Net): string {
  const lines = operators.map(({ type, name: own, inputs, outputs, args }) => {
    const fields = [...args].map(([key, value]) => `arg { name: ${quoted(key)} ${argumentText(value)} }`);
    const blobs = [...inputs.map((each) => `input: ${quoted(each)}`), ...outputs.map((each) => `output: ${quoted(each)}`)];
    return `op { type: ${quoted(type)} name: ${quoted(own)} ${blobs.join(" ")} ${fields.join(" ")} }`;
  });
  const ends = [
    ...externalInputs.map((each) => `external_input: ${quoted(each)}`),
    ...externalOutputs.map((each) => `external_output: ${quoted(each)}`),
  ];
  return [...lines, ...ends].join("\n");
}

function argumentText({ float, integer, text, floats, integers, texts, nested }: Argument): string {
  return [
    float !== undefined && `f: ${floatText(float)}`,
    integer !== undefined && `i: ${integer}`,
    text !== undefined && `s: ${quoted(text)}`,
    ...[...(floats ?? [])].map((each) => `floats: ${floatText(each)}`),
    integers !== undefined && `ints: [${integers.join(", ")}]`,
    ...(texts ?? []).map((each) => `strings: ${quoted(each)}`),
    nested && "n { op { type: 'Relu' } }",
  ]
    .filter((each) => each !== false && each !== undefined)
    .join(" ");
}

function floatText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value).replace("Infinity", "inf").replace("NaN", "nan");
}

/** Every byte as an octal escape. */
function quoted(value: string | Uint8Array): string {
  return `"${[...Buffer.from(value)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}
