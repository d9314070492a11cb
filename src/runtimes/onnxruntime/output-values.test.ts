import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import { type StringTensor, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { attach, edge, endAttached, FIXTURES, floats, named, numbers, thrown } from "./attached-fixture.ts";

afterEach(endAttached);

describe("every element type", () => {
  const cases: Record<Exclude<DType, "string" | "complex64" | "complex128">, (number | bigint)[]> = {
    float32: [1.5, -0],
    float64: [Math.PI, Number.MIN_VALUE],
    float16: [0x3c00, 0xfc00],
    bfloat16: [0x3f80, 0xff80],
    int8: [-128, 127],
    int16: [-32768, 32767],
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int64: [-(2n ** 63n), 2n ** 63n - 1n],
    uint8: [0, 255],
    uint16: [0, 65535],
    uint32: [0, 2 ** 32 - 1],
    uint64: [0n, 2n ** 64n - 1n],
    bool: [0, 1],
  };
  const names = Object.keys(cases) as (keyof typeof cases)[];

  test("goes in and comes out bit for bit, rows or none", async () => {
    const servable = await attach(edge("every_type"));
    const words = ["\u{1f600}", "nul \0 inside", "", "plain"];
    const wanted = [...names, "string"].map((name) => `${name}_out`);
    for (const rows of [1, 0, 2, 1, 2, 2]) {
      const inputs = new Map<string, Tensor>(
        names.map((name) => [name, numbers(name, [rows, 2], Array.from({ length: rows }, () => cases[name]).flat())]),
      );
      inputs.set("string", stringTensor([rows, 2], words.slice(0, rows * 2)));
      const answer = await servable.run("", inputs, wanted);
      for (const name of names) expect(answer.get(`${name}_out`)).toEqual(inputs.get(name));
      const { data, shape } = answer.get("string_out") as StringTensor;
      expect(shape).toEqual([rows, 2]);
      const texts = Array.from({ length: data.length }, (_, i) => Buffer.from(stringBytes(data, i)).toString());
      expect(texts).toEqual(words.slice(0, rows * 2));
    }
  });

  test("strings that are not UTF-8 keep their bytes", async () => {
    const servable = await attach(join(FIXTURES, "onnx/strings_label/model.onnx"));
    const bytes = Uint8Array.of(0xff, 0, 0xc0, 0x80);
    const answer = await servable.run("", named({ word: stringTensor([1, 1], [bytes]) }), ["echo"]);
    expect(stringBytes((answer.get("echo") as StringTensor).data, 0)).toEqual(bytes);
  });
});

describe("sequences and maps", () => {
  test("of different shapes are padded, with the true shapes beside", async () => {
    const servable = await attach(edge("sequence_ragged"));
    const inputs = named({ x: floats([3, 2], [1, 2, 3, 4, 5, 6]) });
    const answer = await servable.run("", inputs, ["parts.shapes", "parts"]);
    expect([...answer]).toEqual([
      ["parts.shapes", numbers("int64", [2, 2], [1n, 2n, 2n, 2n])],
      ["parts", floats([2, 2, 2], [1, 2, 0, 0, 3, 4, 5, 6])],
    ]);
  });

  test("of strings are padded with empty ones", async () => {
    const servable = await attach(edge("sequence_strings"));
    const inputs = named({ a: stringTensor([2], ["eins", "zwei"]), b: stringTensor([3], ["un", "deux", "trois"]) });
    const answer = await servable.run("", inputs, ["s"]);
    expect(answer.get("s")).toEqual(stringTensor([2, 3], ["eins", "zwei", "", "un", "deux", "trois"]));
  });

  test("that are empty keep their rank", async () => {
    const servable = await attach(edge("sequence_empty"));
    const answer = await servable.run("", new Map(), ["s", "s.shapes"]);
    expect([...answer.values()]).toEqual([floats([0, 0, 0], []), numbers("int64", [0, 2], [])]);
  });

  test("of different ranks are refused by name", async () => {
    const servable = await attach(edge("sequence_ranks"));
    const inputs = named({ a: floats([2], [1, 2]), b: floats([1, 2], [1, 2]) });
    expect(await thrown(() => servable.run("", inputs, ["s"]))).toMatchObject({
      code: "unimplemented",
      message: 'the tensors of output "s" have different ranks',
    });
  });

  test("give a map's keys beside its values", async () => {
    const servable = await attach(edge("zipmap_strings"));
    const answer = await servable.run("", named({ x: floats([2, 2], [1, 2, 3, 4]) }), ["p", "p.keys"]);
    expect([...answer.values()]).toEqual([floats([2, 2], [1, 2, 3, 4]), stringTensor([2, 2], ["no", "yes", "no", "yes"])]);
  });
});
