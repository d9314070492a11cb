import fc from "fast-check";
import { expect, test } from "vitest";
import { ARRAY_TYPES } from "../../src/tensor/dtype.ts";
import { stringAt } from "../../src/tensor/string-array.ts";
import { type NamedTensors, type NumericTensor, stringTensor, type Tensor } from "../../src/tensor/tensor.ts";
import { runOne } from "./run-step.ts";

const RUNS = { numRuns: 300 };
const small = fc.integer({ min: 0, max: 4 });
/** Few distinct numbers, so that equals are usual, and what is special. */
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0.5),
  fc.double({ min: -1e6, max: 1e6 }),
);

const real = (shape: readonly number[], values: readonly number[]): Tensor => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(values),
});
const flat = (tensor: Tensor | undefined): readonly unknown[] => {
  if (tensor?.dtype === "string") return Array.from({ length: tensor.data.length }, (_, i) => stringAt(tensor.data, i));
  return Array.from((tensor as NumericTensor).data as Float64Array);
};
const on = (x: Tensor, step: unknown): Promise<NamedTensors> => runOne(step, new Map([["x", x]]));

/** Numbers for every element of a shape. */
const filled = (shape: readonly number[]): readonly number[] =>
  Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => i);

/** The element at a place, by the definition of row-major order. */
const at = (shape: readonly number[], place: readonly number[]): number =>
  place.reduce((index, position, axis) => index * shape[axis] + position, 0);

function places(shape: readonly number[]): readonly (readonly number[])[] {
  return shape.reduce<readonly (readonly number[])[]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

test("transpose puts each element where the definition says, numbers, complex numbers and strings alike", async () => {
  const axes = fc.integer({ min: 1, max: 4 }).chain((rank) =>
    fc.shuffledSubarray(
      Array.from({ length: rank }, (_, i) => i + 1),
      { minLength: rank },
    ),
  );
  await fc.assert(
    fc.asyncProperty(axes, fc.array(small, { minLength: 5, maxLength: 5 }), async (order, sizes) => {
      const all = [0, ...order];
      const shape = sizes.slice(0, all.length);
      const values = filled(shape);
      const made = all.map((axis) => shape[axis]);
      const expected = places(made).map((place) => {
        const source = all.map((_, axis) => place[all.indexOf(axis)]);
        return values[at(shape, source)];
      });
      const step = { transpose: { axes: all } };
      expect(flat((await on(real(shape, values), step)).get("x"))).toEqual(expected);
      const strings = stringTensor(shape, values.map(String));
      expect(flat((await on(strings, step)).get("x"))).toEqual(expected.map(String));
      const complex: Tensor = { dtype: "complex64", shape, data: Float32Array.from(values.flatMap((value) => [value, -value])) };
      expect(flat((await on(complex, step)).get("x"))).toEqual(expected.flatMap((value) => [value, value === 0 ? -0 : -value]));
    }),
    RUNS,
  );
});

test("top_k takes what a sort would, and argmax what is first of it", async () => {
  const row = fc.array(number, { minLength: 1, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(row, fc.nat(), async (values, choice) => {
      const k = 1 + (choice % values.length);
      const after = (a: number, b: number): number => {
        if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
        return b > a ? 1 : b < a ? -1 : 0;
      };
      const order = values.map((_, i) => i).sort((a, b) => after(values[a], values[b]) || a - b);
      const x = real([1, values.length], values);
      const best = await on(x, { top_k: { k } });
      expect(flat(best.get("indices"))).toEqual(order.slice(0, k).map(BigInt));
      expect(flat(best.get("values"))).toEqual(order.slice(0, k).map((i) => values[i]));
      const firstNaN = values.findIndex(Number.isNaN);
      expect(flat((await on(x, { argmax: {} })).get("x"))).toEqual([BigInt(firstNaN < 0 ? order[0] : firstNaN)]);
    }),
    RUNS,
  );
});

test("pad keeps what fits at its side, for numbers and strings", async () => {
  await fc.assert(
    fc.asyncProperty(small, small, small, small, fc.boolean(), async (rows, size, inner, length, right) => {
      const shape = [rows, size, inner];
      const values = filled(shape);
      const made = [rows, length, inner];
      const shift = right ? 0 : size - length;
      const source = ([row, position, last]: readonly number[]): number | undefined => {
        const from = position + shift;
        return from >= 0 && from < size ? values[at(shape, [row, from, last])] : undefined;
      };
      const side = right ? "right" : "left";
      const expected = places(made).map(source);
      const numbers = await on(real(shape, values), { pad: { length, value: -1, side } });
      expect(flat(numbers.get("x"))).toEqual(expected.map((value) => value ?? -1));
      const strings = await on(stringTensor(shape, values.map(String)), { pad: { length, value: "é", side } });
      expect(flat(strings.get("x"))).toEqual(expected.map((value) => (value === undefined ? "é" : String(value))));
    }),
    RUNS,
  );
});

test("split takes apart what concat put together", async () => {
  const widths = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(small, widths, fc.boolean(), async (rows, sizes, strings) => {
      const columns = sizes.map((size, i): [string, Tensor] => {
        const shape = [rows, size];
        const values = filled(shape).map((value) => value + 100 * i);
        return [`c${i}`, strings ? stringTensor(shape, values.map(String)) : real(shape, values)];
      });
      const aliases = columns.map(([alias]) => alias);
      const joined = (await runOne({ concat: { inputs: aliases, output: "m" } }, new Map(columns))).get("m")!;
      expect(joined.shape).toEqual([rows, sizes.reduce((sum, size) => sum + size, 0)]);
      const apart = await on(joined, { split: { outputs: aliases, sizes } });
      for (const [alias, column] of columns) expect(flat(apart.get(alias))).toEqual(flat(column));
    }),
    RUNS,
  );
});

test("a cast to an integer type gives the number or refuses it", async () => {
  const types = fc.constantFrom("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64");
  const any = fc.oneof(number, fc.double(), fc.constantFrom(-(2 ** 63), 2 ** 63, 2 ** 64, 2 ** 63 - 1024, 255.99, 256, -0.99));
  await fc.assert(
    fc.asyncProperty(types, any, async (to, value) => {
      const bits = BigInt(ARRAY_TYPES[to].bytes * 8);
      const [least, most] = to.startsWith("u") ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
      const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
      const made = await on(real([1], [value]), { cast: { to } }).then(
        (tensors) => BigInt(flat(tensors.get("x"))[0] as number),
        ({ code, message }: { code: string; message: string }) => {
          expect(code).toBe("invalid-argument");
          expect(message).toMatch(/^preprocess step 1 \(cast\) on "x": element 0 is /);
          return undefined;
        },
      );
      expect(made).toEqual(whole !== undefined && whole >= least && whole <= most ? whole : undefined);
    }),
    { numRuns: 2000 },
  );
});

test("lookup and labels are each other's inverse, for any bytes", async () => {
  const words = fc.uniqueArray(
    fc.string({ unit: "binary", maxLength: 6 }).map((text) => Buffer.from(text).toString()),
    { minLength: 1, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(words, fc.array(fc.nat(), { maxLength: 10 }), async (vocabulary, picks) => {
      const chosen = picks.map((pick) => vocabulary[pick % vocabulary.length]);
      const x = stringTensor([chosen.length], chosen);
      const found = (await on(x, { lookup: { vocabulary } })).get("x")!;
      expect(flat(found)).toEqual(chosen.map((word) => BigInt(vocabulary.indexOf(word))));
      expect(flat((await on(found, { labels: { vocabulary } })).get("x"))).toEqual(chosen);
    }),
    RUNS,
  );
});

test("strings that do not begin where their bytes do are read as they are", async () => {
  const whole = stringTensor([4], ["skipped", "a b", "ö", ""]).data;
  const x: Tensor = { dtype: "string", shape: [3], data: { length: 3, offsets: whole.offsets.subarray(1), bytes: whole.bytes } };
  const y = stringTensor([3], ["1", "2", "3"]);
  const joined = await runOne(
    { concat: { inputs: ["x", "y"], output: "m" } },
    new Map([
      ["x", x],
      ["y", y],
    ]),
  );
  expect(flat(joined.get("m"))).toEqual(["a b", "1", "ö", "2", "", "3"]);
  const tokens = await on(x, { tokenize: { vocabulary: ["a", "b"], unknown: 9, length: 2, pad: 8 } });
  expect(flat(tokens.get("x"))).toEqual([0n, 1n, 9n, 8n, 8n, 8n]);
  const padded = await on({ ...x, shape: [1, 3] } as Tensor, { pad: { length: 4, value: "z" } });
  expect(flat(padded.get("x"))).toEqual(["a b", "ö", "", "z"]);
});
