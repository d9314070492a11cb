import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import { stringAt } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { scanDocument } from "./document.ts";
import { toFloat16Bits } from "./half.ts";
import { withoutNumberModule } from "./number-module/number-module.ts";
import { readPredictInputs } from "./predict-inputs.ts";

function inputs(types: Record<string, DType | `${DType}?`>): TensorInfo[] {
  return Object.entries(types).map(([alias, type]) => {
    const optional = type.endsWith("?");
    return { alias, name: alias, dtype: type.replace("?", "") as DType, shape: undefined, optional };
  });
}

function read(text: string, types: Record<string, DType | `${DType}?`>) {
  return readPredictInputs(scanDocument(Buffer.from(text)), inputs(types));
}

function values(tensor: Tensor | undefined): unknown {
  if (tensor === undefined) return undefined;
  if (tensor.dtype !== "string") return { shape: tensor.shape, data: Array.from(tensor.data as Iterable<number | bigint>) };
  const strings = Array.from({ length: tensor.data.length }, (_, i) => stringAt(tensor.data, i));
  return { shape: tensor.shape, data: strings };
}

describe("row form", () => {
  test.each<[string, DType, number[], unknown[]]>([
    ["[[1,2],[3,4],[5,6]]", "int32", [3, 2], [1, 2, 3, 4, 5, 6]],
    ["[1, 2.0, 5.003, NaN, -Infinity]", "float64", [5], [1, 2, 5.003, Number.NaN, -Infinity]],
    ["[1435774380, 1.7976931348623157e+308, -2.2250738585072014e-308]", "float32", [3], [1435774336, Infinity, -0]],
    ["[9223372036854775807, -9223372036854775808, 1]", "int64", [3], [9223372036854775807n, -9223372036854775808n, 1n]],
    ["[18446744073709551615, 0]", "uint64", [2], [18446744073709551615n, 0n]],
    ["[-5, 4294967296, -4294967297, 9007199254740991]", "int64", [4], [-5n, 4294967296n, -4294967297n, 9007199254740991n]],
    ["[4294967295]", "uint32", [1], [4294967295]],
    ["[65535, 0]", "uint16", [2], [65535, 0]],
    ["[-128, 127]", "int8", [2], [-128, 127]],
    ["[[true],[false]]", "bool", [2, 1], [1, 0]],
    ["[1, 0.1]", "float16", [2], [0x3c00, toFloat16Bits(0.1)]],
    ["[1.5, 1e39]", "bfloat16", [2], [0x3fc0, 0x7f80]],
    ['["a\\u00e9\\ud83d\\ude00\\n", ""]', "string", [2], ["a\u00e9\u{1f600}\n", ""]],
    ['[[{"b64":"aGVsbG8="}],[{ "b64" : "d29ybGQ" }]]', "string", [2, 1], ["hello", "world"]],
    ["[[],[]]", "float32", [2, 0], []],
    ["[[[]],[[]]]", "float32", [2, 1, 0], []],
  ])("%s as %s", (text, dtype, shape, data) => {
    const { format, tensors } = read(`{"instances":${text}}`, { x: dtype });
    expect(format).toBe("row");
    expect(values(tensors.get("x"))).toEqual({ shape, data });
    expect(values(read(`{"instances":[{"x":1}]}`, { x: "int32" }).tensors.get("x"))).toEqual({ shape: [1], data: [1] });
  });

  test("objects name their inputs, in any order", () => {
    const text = '{"instances":[{"a":[1,2],"b":"x"},{"b":"y","a":[3,4]}]}';
    const { tensors } = read(text, { a: "int32", b: "string" });
    expect(values(tensors.get("a"))).toEqual({ shape: [2, 2], data: [1, 2, 3, 4] });
    expect(values(tensors.get("b"))).toEqual({ shape: [2], data: ["x", "y"] });
  });

  test("names that objects in JavaScript have are plain names", () => {
    const text = '{"instances":[{"__proto__":1,"constructor":2,"toString":3}]}';
    const { tensors } = read(text, JSON.parse('{"__proto__":"int32","constructor":"int32","toString":"int32"}'));
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor", "toString"]);
  });

  test("an optional input is in every object or in none", () => {
    const types = { a: "int32", b: "int32?" } as const;
    expect([...read('{"instances":[{"a":1},{"a":2}]}', types).tensors.keys()]).toEqual(["a"]);
    expect([...read('{"instances":[{"a":1,"b":1}]}', types).tensors.keys()]).toEqual(["a", "b"]);
    expect(values(read('{"instances":[4]}', types).tensors.get("a"))).toEqual({ shape: [1], data: [4] });
    expect(() => read('{"instances":[{"a":1,"b":1},{"a":2}]}', types)).toThrow("keys must be equal to: a,b");
    expect(() => read('{"instances":[{"a":1},{"a":2,"b":1}]}', types)).toThrow("keys must be equal to: a");
  });

  const element = (text: string) => `Failed to process element: ${text}`;
  test.each<[string, Record<string, DType>, string]>([
    [
      '{"inputs":1,"instances":[1]}',
      { x: "int32" },
      `JSON Value: {"inputs":1,"instances":[1]} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist`,
    ],
    ['{"a":1}', { x: "int32" }, "Missing 'inputs' or 'instances' key"],
    ['{"instances":5}', { x: "int32" }, `JSON Value: {"instances":5} Expecting 'instances' to be an list/array`],
    ['{"instances":[ ]}', { x: "int32" }, `JSON Value: {"instances":[ ]} No values in 'instances' array`],
    [
      '{"instances":[1]}',
      { x: "int32", y: "int32" },
      "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map",
    ],
    ['{"instances":[{"x":1},[1]]}', { x: "int32" }, "Expecting object but got list at item 1 of input list"],
    ['{"instances":[1,{"x":1}]}', { x: "int32" }, "Expecting value/list but got object at item 1 of input list"],
    [
      '{"instances":[{"z":1}]}',
      { x: "int32" },
      element("0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: z"),
    ],
    [
      '{"instances":[{"b":1}]}',
      { b: "int32", a: "int32" },
      element(`0 of 'instances' list. JSON object: {"b":1} keys must be equal to: a,b`),
    ],
    [
      '{"instances":[{"x":1,"x":2}]}',
      { x: "int32" },
      element("0 key: x of 'instances' list. Error: INVALID_ARGUMENT: the key is given twice"),
    ],
    [
      '{"instances":[[1,2],[3,4],[5,6,7]]}',
      { x: "int32" },
      element("2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3"),
    ],
    [
      '{"instances":[[1,2],[[3,4]]]}',
      { x: "int32" },
      element("1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [2] but got: [1,2]"),
    ],
    [
      '{"instances":[1,[1]]}',
      { x: "int32" },
      element("1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]"),
    ],
    [
      '{"instances":[[1,2],["a","b"]]}',
      { x: "int32" },
      element(`1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "a" Type: String is not of expected type: int32`),
    ],
    [
      '{"instances":[1]}',
      { x: "complex64" },
      element("0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: complex64"),
    ],
    [
      '{"instances":[[[1,2],[3]]]}',
      { x: "int32" },
      element(
        "0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at unexpected size: 1 at level: 1 expected size: 2",
      ),
    ],
  ])("%s is refused", (text, types, message) => {
    expect(() => read(text, types)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});

describe("columnar form", () => {
  test("a plain value is the only input, with its own shape", () => {
    expect(values(read('{"inputs":5}', { x: "int32" }).tensors.get("x"))).toEqual({ shape: [], data: [5] });
    expect(values(read('{"inputs":[[1.5]]}', { x: "float32" }).tensors.get("x"))).toEqual({ shape: [1, 1], data: [1.5] });
    expect(values(read('{"inputs":{"b64":"aGVsbG8="}}', { x: "string" }).tensors.get("x"))).toEqual({
      shape: [],
      data: ["hello"],
    });
  });

  test("an object names its inputs; others are ignored, optional ones may lack, the first of two counts", () => {
    const types = { a: "int32", b: "string", c: "float32?" } as const;
    const { format, tensors } = read('{"inputs":{"z":[{}],"b":["x"],"a":[[1,2]],"a":"no"}}', types);
    expect(format).toBe("columnar");
    expect([...tensors].map(([name, tensor]) => [name, values(tensor)])).toEqual([
      ["a", { shape: [1, 2], data: [1, 2] }],
      ["b", { shape: [1], data: ["x"] }],
    ]);
  });

  test("many inputs are found by name", () => {
    const names = Array.from({ length: 40 }, (_, i) => `input_${i}`);
    const types = Object.fromEntries(names.map((name) => [name, "int32" as const]));
    const body = Object.fromEntries(names.toReversed().map((name, i) => [name, i]));
    const { tensors } = read(JSON.stringify({ inputs: body }), types);
    expect([...tensors.values()].map((tensor) => (tensor.data as Int32Array)[0])).toEqual(names.map((_, i) => 39 - i));
  });

  test.each<[string, DType, string, string]>([
    ["[1,2]", "complex128", "unimplemented", "Conversion of JSON Value: 1 to type: complex128"],
    ["[[1,2],[3]]", "float32", "invalid-argument", "Encountered list at unexpected size: 1 at level: 1 expected size: 2"],
    ['[[1,2],[3,"a",4]]', "float32", "invalid-argument", "Encountered list at unexpected size: 3 at level: 1 expected size: 2"],
    [
      '[[["a"],["b"]],[["c"],[1],["d"]]]',
      "string",
      "invalid-argument",
      "Encountered list at unexpected size: 3 at level: 1 expected size: 2",
    ],
    [
      '[[["a","b"]],[["c",1,"d"]],["e"]]',
      "string",
      "invalid-argument",
      "Encountered list at unexpected size: 3 at level: 2 expected size: 2",
    ],
    [
      '[[["a"]],[["b","c"],["d"]]]',
      "string",
      "invalid-argument",
      "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
    ],
    [
      "[[1,2],3]",
      "float32",
      "invalid-argument",
      "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ],
    ["[1,[2]]", "float32", "invalid-argument", "Encountered list at unexpected level: 1 expected < 1"],
    ["[null]", "float32", "invalid-argument", "JSON Value: null Type: Null is not of expected type: float"],
    ["[true]", "float64", "invalid-argument", "JSON Value: true Type: True is not of expected type: double"],
    [
      '[{"b64":"aGVsbG8="}]',
      "float16",
      "invalid-argument",
      'JSON Value: {"b64":"aGVsbG8="} Type: Object is not of expected type: half',
    ],
    ["[1.0]", "int32", "invalid-argument", "JSON Value: 1.0 Type: Number is not of expected type: int32"],
    ["[2147483648]", "int32", "invalid-argument", "JSON Value: 2147483648 Type: Number is not of expected type: int32"],
    ["[1,128]", "int8", "invalid-argument", "JSON Value: 128 Type: Number is not of expected type: int8"],
    ["[-1]", "uint64", "invalid-argument", "JSON Value: -1 Type: Number is not of expected type: uint64"],
    [
      "[9223372036854775808]",
      "int64",
      "invalid-argument",
      "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
    ],
    ["[1]", "bool", "invalid-argument", "JSON Value: 1 Type: Number is not of expected type: bool"],
    ["[1]", "string", "invalid-argument", "JSON Value: 1 Type: Number is not of expected type: string"],
    ['[{"b64":5}]', "string", "invalid-argument", 'JSON Value: {"b64":5} not formatted correctly for base64 data'],
    [
      '[{"b64":"a","x":1}]',
      "string",
      "invalid-argument",
      'JSON Value: {"b64":"a","x":1} not formatted correctly for base64 data',
    ],
    ['[{"b64":"a*bc"}]', "string", "invalid-argument", "Unable to base64 decode"],
  ])("%s as %s is refused", (text, dtype, code, message) => {
    expect(() => read(`{"inputs":${text}}`, { x: dtype })).toThrow(expect.objectContaining({ code, message }));
  });

  test("a missing input and a plain value for several are refused", () => {
    expect(() => read('{"inputs":{"a":1}}', { a: "int32", b: "int32" })).toThrow("Missing named input: b in 'inputs' object.");
    expect(() => read('{"inputs":[1]}', { a: "int32", b: "int32" })).toThrow(
      "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map",
    );
  });
});

describe("any array", () => {
  const leaves: Partial<Record<DType, fc.Arbitrary<unknown>>> = {
    float32: fc.double({ noNaN: true, noDefaultInfinity: true }),
    float64: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
    int8: fc.integer({ min: -128, max: 127 }),
    uint16: fc.integer({ min: 0, max: 65535 }),
    int32: fc.integer(),
    uint32: fc.integer({ min: 0, max: 4294967295 }),
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    bool: fc.boolean(),
    string: fc.string({ unit: "binary" }),
  };

  const print = (value: unknown, space: string): string => {
    if (Array.isArray(value)) return `[${space}${value.map((item) => print(item, space)).join(`,${space}`)}${space}]`;
    if (typeof value === "bigint") return String(value);
    return typeof value === "number" && Object.is(value, -0) ? "-0.0" : JSON.stringify(value);
  };

  test.each(Object.keys(leaves) as DType[])("of %s reads as JSON.parse and a copy would", (dtype) => {
    const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    const cases = shapes.chain((shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return fc.tuple(
        fc.constant(shape),
        fc.array(leaves[dtype]!, { minLength: count, maxLength: count }),
        fc.constantFrom("", " ", "\n\t"),
      );
    });
    fc.assert(
      fc.property(cases, ([shape, flat, space]) => {
        let nested: unknown[] = flat;
        for (let i = shape.length - 1; i > 0; i--) {
          const size = shape[i];
          nested = Array.from({ length: nested.length / size }, (_, j) => nested.slice(j * size, (j + 1) * size));
        }
        const expected = flat.map((value) => {
          if (dtype === "float32") return Math.fround(value as number);
          return dtype === "bool" ? Number(value) : value;
        });
        const array = print(nested, space);
        for (const [body, key] of [
          [`{"instances":${array}}`, "x"],
          [`{"inputs":{"x":${array}}}`, "x"],
          [`{"instances":[${nested.map((item) => `{"x":${print(item, space)}}`).join(",")}]}`, "x"],
        ]) {
          const { tensors } = read(body, { x: dtype });
          expect(values(tensors.get(key))).toEqual({ shape, data: expected });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("arrays long enough for the number module", () => {
  const row = (length: number, element: (i: number) => string) => `[${Array.from({ length }, (_, i) => element(i)).join(", ")}]`;
  const rows = (element: (i: number) => string) => `[${Array.from({ length: 5 }, () => row(100, element)).join(",")}]`;
  const types: DType[] = ["float32", "int32", "float64", "uint8", "float16", "int64", "bfloat16", "float32", "uint64", "string"];
  const elements: ((i: number) => string)[] = [
    (i) => String(i),
    (i) => `${i}.25`,
    (i) => String(i - 1),
    (i) => (i < 99 ? "1" : "9007199254740993"),
    (i) => (i < 99 ? "0.1" : '"a"'),
    (i) => (i < 99 ? "0.1" : "01"),
    (i) => (i < 99 ? "0.1" : "[1]"),
    (i) => (i < 99 ? "1" : "300"),
    (i) => (i < 99 ? "1.5" : "NaN"),
    (i) => (i < 99 ? "1.5" : "1e400"),
  ];
  const bodies = elements.flatMap((element) => [
    `{"instances":${rows(element)}}`,
    `{"instances":[{"x":${row(90, element)}},{"x":${row(100, element)}}]}`,
    `{"inputs":{"x":${rows(element)}}}`,
    `{"inputs":${rows(element).slice(0, -2)}]}`,
  ]);

  function outcome(body: string, dtype: DType): unknown {
    try {
      const { format, tensors } = read(body, { x: dtype });
      return { format, tensor: values(tensors.get("x")) };
    } catch (error) {
      return String(error);
    }
  }

  test("read and fail as without it, whatever type was read before", () => {
    const outcomes = () => bodies.flatMap((body) => types.map((dtype) => outcome(body, dtype)));
    const plain = withoutNumberModule(outcomes);
    expect(outcomes()).toEqual(plain);
    expect(plain.filter((found) => typeof found === "string").length).toBeGreaterThan(100);
    expect(plain.filter((found) => typeof found !== "string").length).toBeGreaterThan(50);
  });

  test("a tensor keeps its values when the next body is read", () => {
    const first = read(`{"instances":${rows(() => "1.5")}}`, { x: "float32" }).tensors.get("x")!;
    read(`{"instances":${rows(() => "2.5")}}`, { x: "float32" });
    expect(values(first)).toEqual({ shape: [5, 100], data: Array.from({ length: 500 }, () => 1.5) });
  });
});
