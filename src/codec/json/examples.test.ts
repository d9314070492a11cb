import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Example, ExampleSchema } from "../../gen/tensorflow/core/example/example_pb.ts";
import { scanDocument } from "./document.ts";
import { readExamples } from "./examples.ts";

function read(text: string) {
  return readExamples(scanDocument(Buffer.from(text)), "classify");
}

function features(example: Example): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(example.features?.feature ?? {}).map(([name, { kind }]) => {
      if (kind.case === undefined) return [name, []];
      const values: (number | bigint | Uint8Array)[] = kind.value.value;
      return [name, [kind.case, ...values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value))]];
    }),
  );
}

const parsed = (text: string) => read(text).map((example) => features(fromBinary(ExampleSchema, example)));

test("values become lists by their kind", () => {
  const text = `{"examples":[{"names":["foo",{"b64":"aGVsbG8="}],"ratings":[8.0,NaN,-Infinity,1e39],"age":20,
    "mixed":[1,true,false],"none":[],"least":-9223372036854775808,"b":false,"\\u00e9":"\\n","beyond":18446744073709551616},{}]}`;
  expect(parsed(text)).toEqual([
    {
      names: ["bytesList", "foo", "hello"],
      ratings: ["floatList", 8, Number.NaN, -Infinity, Infinity],
      age: ["int64List", 20n],
      mixed: ["int64List", 1n, 1n, 0n],
      none: [],
      least: ["int64List", -9223372036854775808n],
      b: ["int64List", 0n],
      é: ["bytesList", "\n"],
      beyond: ["floatList", 2 ** 64],
    },
    {},
  ]);
  expect(read('{"examples":[{}]}')[0].length).toBe(0);
});

test("the context is put before each example, whose features win", () => {
  expect(parsed('{"context":{"q":"pizza","x":1},"examples":[{"x":2},{}]}')).toEqual([
    { q: ["bytesList", "pizza"], x: ["int64List", 2n] },
    { q: ["bytesList", "pizza"], x: ["int64List", 1n] },
  ]);
});

test("long features are whole", () => {
  const values = Array.from({ length: 5000 }, (_, i) => i);
  expect(parsed(JSON.stringify({ examples: [{ x: values, s: "a".repeat(100_000) }] }))).toEqual([
    { x: ["int64List", ...values.map(BigInt)], s: ["bytesList", "a".repeat(100_000)] },
  ]);
});

describe("refused", () => {
  test.each([
    ['{"context":[{}],"examples":[{}]}', "Example must be JSON object but got JSON Array"],
    ['{"examples":[5]}', "Example must be JSON object but got JSON Number"],
    ['{"a":1}', `JSON Value: {"a":1} When method is classify, key 'examples' is expected and was not found`],
    ['{"examples":{}}', `JSON Value: {"examples":{}} Expecting 'examples' value to be an list/array`],
    ['{"examples":[]}', `JSON Value: {"examples":[]} 'examples' value is an empty array`],
    ['{"examples":[{"n":[10,null]}]}', "Feature: n has element with unexpected JSON type: Null"],
    ['{"examples":[{"n":[[10]]}]}', "Feature: n has element with unexpected JSON type: Array"],
    ['{"examples":[{"n":{"test":10}}]}', "Feature: n has element with unexpected JSON type: Object"],
    ['{"examples":[{"n":[10,10.0]}]}', "Unexpected element type in feature: n expecting type: int64"],
    ['{"examples":[{"n":["a",true]}]}', "Unexpected element type in feature: n expecting type: bytes"],
    ['{"examples":[{"n":[1.5,"a"]}]}', "Unexpected element type in feature: n expecting type: float"],
    ['{"examples":[{"n":18446744073709551603}]}', "Feature: n has uint64_t element. Only int64_t is supported."],
    ['{"examples":[{"n":{"b64":"*"}}]}', "Unable to base64 decode"],
  ])("%s", (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
