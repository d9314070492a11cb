import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import { isMissingText, stringAt } from "../../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { scanDocument } from "./document.ts";
import { withoutNumberModule } from "./number-module/number-module.ts";
import { readPredictInputs } from "./predict-inputs.ts";
import { readStfsInputs } from "./stfs-data.ts";
import { scanStfsDocument } from "./stfs-document.ts";

const nullable = (alias: string, dtype: DType, shape: readonly number[] = [-1], more: Partial<TensorInfo> = {}): TensorInfo => ({
  alias,
  name: alias,
  dtype,
  shape,
  nullable: true,
  ...more,
});

const PEOPLE = [nullable("age", "float64"), nullable("city", "string"), nullable("plan", "string", [-1], { optional: true })];
const COLUMN = { optional: true, columnOf: "X" };
const MATRIX = [
  nullable("X", "float64", [-1, 3], { optional: true }),
  nullable("a", "float64", [-1], COLUMN),
  nullable("b", "float64", [-1], COLUMN),
  nullable("c", "float64", [-1], COLUMN),
];
const ALONE = [nullable("alone", "string", [-1], { booleanDigits: true })];
const NONE = Number.NaN;

function read(body: string, inputs: readonly TensorInfo[]): NamedTensors {
  return readPredictInputs(scanDocument(Buffer.from(body)), inputs, true).tensors;
}

/** Shapes and values by alias, a missing text as null. */
function shown(tensors: NamedTensors): Record<string, unknown> {
  return Object.fromEntries([...tensors].map(([alias, tensor]) => [alias, [tensor.shape, values(tensor)]]));
}

function values({ dtype, data }: Tensor): unknown[] {
  if (dtype !== "string") return Array.from(data as Iterable<number>);
  return Array.from({ length: data.length }, (_, i) => (isMissingText(data, i) ? null : stringAt(data, i)));
}

describe("rows of several inputs", () => {
  const two = { age: [[2], [62, NONE]], city: [[2], ["Rome", null]] };
  test.each<[string, string, object]>([
    ["objects", '{"instances":[{"age":62,"city":"Rome"},{"age":null,"city":null}]}', two],
    ["objects that lack what is missing", '{"instances":[{"city":"Rome","age":62.0},{}]}', two],
    [
      "objects, the first of which lacks all",
      '{"instances":[{},{"city":"Rome"}]}',
      { age: [[2], [NONE, NONE]], city: [[2], [null, "Rome"]] },
    ],
    ["an empty object alone", '{"instances":[{}]}', { age: [[1], [NONE]], city: [[1], [null]] }],
    [
      "lists in the order of the inputs",
      '{"instances":[[62.0,"Rome",null],[null,null,"pro"]]}',
      { ...two, plan: [[2], [null, "pro"]] },
    ],
    [
      "an optional input that one row has",
      '{"instances":[{"age":1,"city":"a"},{"plan":"pro","age":2}]}',
      { age: [[2], [1, 2]], city: [[2], ["a", null]], plan: [[2], [null, "pro"]] },
    ],
    [
      "numbers and words for texts",
      '{"instances":[[1,3,true],[2,-1.50,NaN]]}',
      { age: [[2], [1, 2]], city: [[2], ["3", "-1.50"]], plan: [[2], ["true", null]] },
    ],
    [
      "words for numbers, as a data frame has booleans",
      '{"instances":[[true,"a","b"],[false,"c","d"],[7,"e","f"]]}',
      { age: [[3], [1, 0, 7]], city: [[3], ["a", "c", "e"]], plan: [[3], ["b", "d", "f"]] },
    ],
    [
      "lists of one for a number",
      '{"instances":[{"age":[62],"city":["Rome"]},{}]}',
      {
        age: [
          [2, 1],
          [62, NONE],
        ],
        city: [
          [2, 1],
          ["Rome", null],
        ],
      },
    ],
    ["columns", '{"inputs":{"age":[62,null],"city":["Rome",null]}}', two],
    [
      "columns of lists",
      '{"inputs":{"city":[["Rome"],[3]]}}',
      {
        age: [[2], [NONE, NONE]],
        city: [
          [2, 1],
          ["Rome", "3"],
        ],
      },
    ],
    ["base64 objects", '{"instances":[{"city":{"b64":"Um9tZQ=="},"age":1}]}', { age: [[1], [1]], city: [[1], ["Rome"]] }],
  ])("%s", (_, body, expected) => {
    expect(shown(read(body, PEOPLE))).toEqual(expected);
  });

  test("a matrix among the inputs takes a list, or null for one that is missing", () => {
    const inputs = [nullable("m", "float32", [-1, 2]), nullable("s", "string")];
    const expected = {
      m: [
        [3, 2],
        [1, 2, NONE, NONE, 3, NONE],
      ],
      s: [[3], ["a", "b", null]],
    };
    expect(shown(read('{"instances":[[[1,2],"a"],[null,"b"],[[3,null],null]]}', inputs))).toEqual(expected);
    expect(shown(read('{"instances":[{"m":[1,2],"s":"a"},{"s":"b"},{"m":[3,null]}]}', inputs))).toEqual(expected);
  });
});

describe("a matrix whose columns have names", () => {
  const rows = {
    X: [
      [2, 3],
      [1, 2, 3, 4, NONE, 6],
    ],
  };
  const columns = { a: [[2], [1, 4]], b: [[2], [2, NONE]], c: [[2], [3, 6]] };
  test.each<[string, string, object]>([
    ["rows", '{"instances":[[1,2,3],[4,null,6]]}', rows],
    ["objects of the matrix", '{"instances":[{"X":[1,2,3]},{"X":[4,null,6]}]}', rows],
    ["objects of columns", '{"instances":[{"a":1,"b":2,"c":3},{"c":6,"a":4}]}', columns],
    [
      "objects of columns, of which none has one",
      '{"instances":[{"a":1,"b":2},{"a":4}]}',
      { a: [[2], [1, 4]], b: [[2], [2, NONE]], c: [[2], [NONE, NONE]] },
    ],
    [
      "an empty object",
      '{"instances":[{}]}',
      {
        X: [
          [1, 3],
          [NONE, NONE, NONE],
        ],
      },
    ],
    ["the matrix", '{"inputs":{"X":[[1,2,3],[4,null,6]]}}', rows],
    ["the matrix alone", '{"inputs":[[1,2,3],[4,null,6]]}', rows],
    ["columns", '{"inputs":{"a":[1,4],"b":[2,null],"c":[3,6]}}', columns],
    ["columns without one", '{"inputs":{"a":[1,4],"c":[3,6]}}', { a: [[2], [1, 4]], b: [[2], [NONE, NONE]], c: [[2], [3, 6]] }],
  ])("%s", (_, body, expected) => {
    expect(shown(read(body, MATRIX))).toEqual(expected);
  });
});

describe("what is wrong is named", () => {
  const element = (text: string) => `Failed to process element: ${text}`;
  test.each<[string, readonly TensorInfo[], string]>([
    [
      '{"instances":[{"age":1,"agee":2}]}',
      PEOPLE,
      element(
        "0 key: agee of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: agee (inputs: age, city, plan)",
      ),
    ],
    [
      '{"inputs":{"age":[1],"agee":[2]}}',
      PEOPLE,
      "'inputs' object has a named input that is not known: agee (inputs: age, city, plan)",
    ],
    [
      '{"instances":[[1,"a",null],[1,"a"]]}',
      PEOPLE,
      element("1 of 'instances' list. Error: INVALID_ARGUMENT: a row is a list of 3 values (age, city, plan), got 2"),
    ],
    ['{"instances":[[1,"a",null,2,3]]}', PEOPLE, "a row is a list of 3 values (age, city, plan), got more than 3"],
    [
      '{"instances":[["old","a",null]]}',
      PEOPLE,
      element(
        "0 value: 0 (age) of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"old\" Type: String is not of expected type: double",
      ),
    ],
    ['{"instances":[{"age":"62"}]}', PEOPLE, 'JSON Value: "62" Type: String is not of expected type: double'],
    ['{"instances":[{"age":1,"age":2}]}', PEOPLE, "the key is given twice"],
    ['{"instances":[{"age":1},[1,"a",null]]}', PEOPLE, "Expecting object but got list at item 1 of input list"],
    ['{"instances":[[1,"a",null],{"age":1}]}', PEOPLE, "Expecting value/list but got object at item 1 of input list"],
    ['{"instances":[[1,"a",null],7]}', PEOPLE, "a row is a list of 3 values"],
    ['{"instances":[{"X":[1,2,3]},{"a":1}]}', MATRIX, 'the request has both "X" and its column "a", and may have one of them'],
    ['{"inputs":{"X":[[1,2,3]],"a":[1]}}', MATRIX, 'the request has both "X" and its column "a", and may have one of them'],
    ['{"instances":[{"d":1}]}', MATRIX, "does not have named input: d (inputs: X, a, b, c)"],
    [
      '{"instances":[{"n":1},{"n":null}]}',
      [nullable("n", "int64")],
      element("1 key: n of 'instances' list. Error: INVALID_ARGUMENT: a value is missing, and int64 has none that says so"),
    ],
    ['{"instances":[{"n":1},{}]}', [nullable("n", "bool")], "JSON Value: 1 Type: Number is not of expected type: bool"],
    [
      '{"instances":[{"n":true},{}]}',
      [nullable("n", "bool")],
      element("1 key: n of 'instances' list. Error: INVALID_ARGUMENT: a value is missing, and bool has none that says so"),
    ],
    ['{"instances":[1,null]}', [nullable("n", "int32")], "JSON Value: null is a missing value, and int32 has none"],
    [
      '{"inputs":{"age":[1]}}',
      [nullable("age", "float64"), nullable("n", "int64")],
      'input "n": a value is missing, and int64 has none that says so',
    ],
    ['{"instances":[{"m":[1,2]},{"m":[1,2,3]}]}', [nullable("m", "float32", [-1, 2])], "Expecting tensor size: 2 but got: 3"],
    [
      '{"instances":[{"k":1},{}]}',
      [{ ...nullable("k", "float32"), nullable: false }, nullable("s", "string")],
      'input "k" is missing',
    ],
    ['{"inputs":{}}', PEOPLE, "Missing named input: age in 'inputs' object."],
  ])("%s", (body, inputs, message) => {
    expect(() => read(body, inputs)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });

  test("a few bytes cannot lack more than a request may take in memory", () => {
    const wide = [nullable("X", "float64", [-1, 1_000_000], { optional: true }), nullable("a", "float64", [-1], COLUMN)];
    const body = `{"instances":[${"{},".repeat(99)}{}]}`;
    expect(() => read(body, wide)).toThrow("the request describes more than the 134217728 bytes");
    const many = Array.from({ length: 1000 }, (_, i) => nullable(`c${i}`, "float64"));
    const all = `{${many.map(({ alias }) => `"${alias}":1`).join()}}`;
    expect(() => read(`{"instances":[${all}${",{}".repeat(20_000)}]}`, many)).toThrow("134217728 bytes");
  });
});

describe("inputs whose values may not be missing", () => {
  const plain = (alias: string, dtype: DType) => ({ alias, name: alias, dtype, shape: undefined });
  test.each<[string, DType, string]>([
    ["float32", "float32", "JSON Value: null Type: Null is not of expected type: float"],
    ["string", "string", "JSON Value: null Type: Null is not of expected type: string"],
    ["int64", "int64", "JSON Value: null Type: Null is not of expected type: int64"],
    ["bool", "bool", "JSON Value: null Type: Null is not of expected type: bool"],
  ])("null for %s is refused in TensorFlow Serving's words", (_, dtype, message) => {
    const document = scanDocument(Buffer.from('{"inputs":[null]}'));
    expect(() => readPredictInputs(document, [plain("x", dtype)])).toThrow(message);
  });

  test("and so is a number for a text", () => {
    const document = scanDocument(Buffer.from('{"inputs":[3]}'));
    expect(() => readPredictInputs(document, [plain("x", "string")])).toThrow("Type: Number is not of expected type: string");
    expect(() => readPredictInputs(scanDocument(Buffer.from('{"inputs":[3]}')), [nullable("x", "string")])).toThrow(
      "Type: Number is not of expected type: string",
    );
  });
});

/** JSON.stringify writes no sign of zero. */
const WRITTEN = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

const cell = fc.oneof(WRITTEN, fc.integer(), fc.constant(null));
const text = fc.oneof(fc.string({ maxLength: 5 }), fc.constant(null));
const table = fc
  .integer({ min: 1, max: 12 })
  .chain((width) =>
    fc.array(fc.tuple(fc.array(cell, { minLength: width, maxLength: width }), text), { minLength: 1, maxLength: 40 }),
  );

test("rows as objects, as lists and as columns mean the same, whatever is missing, with the number module and without", () => {
  fc.assert(
    fc.property(table, fc.boolean(), (rows, lacks) => {
      const width = rows[0]![0].length;
      const names = Array.from({ length: width }, (_, i) => `n${i}`);
      const inputs = [...names.map((name) => nullable(name, "float32")), nullable("t", "string")];
      const object = ([numbers, own]: (typeof rows)[number]) =>
        Object.fromEntries(
          [...names.map((name, i) => [name, numbers[i]!] as const), ["t", own] as const].filter(
            ([, value]) => !lacks || value !== null,
          ),
        );
      const bodies = [
        JSON.stringify({ instances: rows.map(object) }),
        JSON.stringify({ instances: rows.map(([numbers, own]) => [...numbers, own]) }),
        JSON.stringify({
          inputs: {
            ...Object.fromEntries(names.map((name, i) => [name, rows.map(([numbers]) => numbers[i])])),
            t: rows.map(([, own]) => own),
          },
        }),
      ];
      const expected = Object.fromEntries([
        ...names.map((name, i) => [
          name,
          [[rows.length], rows.map(([numbers]) => (numbers[i] === null ? NONE : Math.fround(numbers[i]!)))],
        ]),
        ["t", [[rows.length], rows.map(([, own]) => own)]],
      ]);
      for (const body of bodies) {
        expect(shown(read(body, inputs))).toEqual(expected);
        withoutNumberModule(() => expect(shown(read(body, inputs))).toEqual(expected));
      }
    }),
    { numRuns: 60 },
  );
});

test("a matrix of numbers is read the same as a block and with a null in one of its places", () => {
  const matrix = fc.array(fc.array(WRITTEN, { minLength: 5, maxLength: 5 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(matrix, fc.nat(), (rows, place) => {
      const inputs = [nullable("X", "float64", [-1, 5], { optional: true }), nullable("a", "float64", [-1], COLUMN)];
      const whole = values(read(JSON.stringify({ instances: rows }), inputs).get("X")!);
      expect(whole).toEqual(rows.flat());
      const at = place % whole.length;
      const holed = rows.map((row, r) => row.map((value, c) => (r * 5 + c === at ? null : value)));
      const expected = rows.flat().map((value, i) => (i === at ? NONE : value));
      for (const body of [{ instances: holed }, { inputs: holed }, { inputs: { X: holed } }]) {
        expect(values(read(JSON.stringify(body), inputs).get("X")!)).toEqual(expected);
        withoutNumberModule(() => expect(values(read(JSON.stringify(body), inputs).get("X")!)).toEqual(expected));
      }
    }),
    { numRuns: 100 },
  );
});

describe("Simple TensorFlow Serving's data", () => {
  const readData = (body: string, inputs: readonly TensorInfo[]) => {
    const { head, document } = scanStfsDocument(Buffer.from(body));
    return shown(readStfsInputs(document, head.base64, inputs, true).tensors);
  };
  const two = { age: [[2], [62, NONE]], city: [[2], ["Rome", null]] };
  test.each<[string, string, readonly TensorInfo[], object]>([
    ["columns", '{"data":{"age":[62,null],"city":["Rome",null]}}', PEOPLE, two],
    ["rows that are objects", '{"data":[{"age":62,"city":"Rome"},{}]}', PEOPLE, two],
    ["rows that are lists", '{"data":[[62,"Rome",null],[null,null,3]]}', PEOPLE, { ...two, plan: [[2], [null, "3"]] }],
    [
      "a matrix",
      '{"data":[[1,2,null]]}',
      MATRIX,
      {
        X: [
          [1, 3],
          [1, 2, NONE],
        ],
      },
    ],
    [
      "a matrix called data",
      '{"data":{"data":[[1,2,null]]}}',
      MATRIX,
      {
        X: [
          [1, 3],
          [1, 2, NONE],
        ],
      },
    ],
    ["a matrix's columns", '{"data":{"a":[1],"c":[null]}}', MATRIX, { a: [[1], [1]], b: [[1], [NONE]], c: [[1], [NONE]] }],
    [
      "base64 texts",
      '{"base64_decode":true,"data":{"age":[1,2],"city":["Um9tZQ",null]}}',
      PEOPLE,
      { age: [[2], [1, 2]], city: [[2], ["Rome", null]] },
    ],
    ["words for digits", '{"data":[{"alone":true},{"alone":false}]}', ALONE, { alone: [[2], ["1", "0"]] }],
  ])("%s", (_, body, inputs, expected) => {
    expect(readData(body, inputs)).toEqual(expected);
  });

  test("a fault in a row names the list by what it is called there", () => {
    expect(() => readData('{"data":[[62,"Rome"]]}', PEOPLE)).toThrow("Failed to process element: 0 of 'data' list");
  });
});
