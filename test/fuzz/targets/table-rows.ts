import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { scanDocument } from "../../../src/codec/json/document.ts";
import { readPredictInputs } from "../../../src/codec/json/predict-inputs.ts";
import { ExampleSchema } from "../../../src/gen/tensorflow/core/example/example_pb.ts";
import type { Feature } from "../../../src/gen/tensorflow/core/example/feature_pb.ts";
import type { TabularInput } from "../../../src/model/tabular/tabular-program.ts";
import { ExampleFeatures } from "../../../src/runtimes/tabular/read-examples.ts";
import type { TensorInfo } from "../../../src/tensor/signature.ts";
import { isMissingText, stringBytes } from "../../../src/tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../../src/tensor/tensor.ts";
import { PlainJson, type PlainValue, Refused } from "../plain/json.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

const MISSING = "missing";

const vector = (alias: string, dtype: "float64" | "string"): TensorInfo => ({
  alias,
  name: alias,
  dtype,
  shape: [-1],
  nullable: true,
});
const INPUTS: readonly TensorInfo[] = [vector("age", "float64"), vector("city", "string"), vector("é", "float64")];

/** Rows of a table in JSON: what is read is what a plain reading finds in each row's place, and rows of nothing but such cells are read. */
export const jsonRows: FuzzTarget = {
  name: "json-rows",
  dictionary: [
    '{"age":',
    ',"city":',
    '"\xc3\xa9":',
    '{"instances":[',
    '{"inputs":{',
    '[1,"a",2]',
    "null",
    "{}",
    "NaN",
    "true",
    '{"b64":"QQ=="}',
    "[1]",
    "3",
    '"x"',
  ],
  longest: 600,
  run(body): Outcome {
    const rows = plainRows(body);
    try {
      const { tensors, format } = readPredictInputs(scanDocument(body), INPUTS, true);
      if (format === "row") {
        if (rows === undefined) throw new Error("rows were read out of something else");
        for (const [index, { alias }] of INPUTS.entries()) {
          const tensor = tensors.get(alias);
          if (tensor === undefined) throw new Error(`there is no ${alias}`);
          const found = cells(tensor);
          if (found !== undefined) agree(found.join(), rows.map((row) => cellOf(row, index) ?? "?").join(), alias);
        }
      }
      return {
        accepted: true,
        shape: `${format} ${[...tensors.values()].map(({ shape }) => Math.min(shape.length, 3)).join("")}`,
      };
    } catch (reason) {
      const outcome = refusal(reason);
      if (rows?.every((row) => isSimple(row, rows[0]!.kind)) && rows.length > 0)
        throw new Error("sound rows were refused", { cause: reason });
      return { ...outcome, shape: outcome.shape.replace(/JSON Value:.*(?=Type|Is not|not formatted)/s, "").slice(0, 60) };
    }
  },
};

/** The rows of a body in row form; undefined where it has none. */
function plainRows(body: Buffer): readonly PlainValue[] | undefined {
  try {
    const root = new PlainJson(body).root();
    const member = (name: string) => root.members.find(([each]) => each === name)?.[1];
    const instances = member("instances");
    return instances?.kind === "list" && member("inputs") === undefined ? instances.items : undefined;
  } catch (reason) {
    if (!(reason instanceof Refused)) throw reason;
    return undefined;
  }
}

/** The value of one input in a row, in the form of {@link cells}; undefined where the row has no such place. */
function cellOf(row: PlainValue, index: number): string | undefined {
  if (row.kind === "list") return row.items[index] && cellText(row.items[index]!, index);
  if (row.kind !== "object") return undefined;
  const name = Buffer.from(INPUTS[index]!.alias).toString("latin1");
  const value = row.members.find(([each]) => each === name)?.[1];
  return value === undefined ? MISSING : cellText(value, index);
}

function cellText(value: PlainValue, index: number): string {
  const isText = INPUTS[index]!.dtype === "string";
  switch (value.kind) {
    case "literal":
      return value.text === "null" ? MISSING : isText ? hex(value.text) : "?";
    case "number":
      if (!isText) return Number.isNaN(Number(value.text)) ? MISSING : String(Number(value.text));
      return value.text === "NaN" ? MISSING : hex(value.text);
    case "string":
      return textOf(value.bytes);
    case "list":
      return value.items.length === 1 ? cellText(value.items[0]!, index) : "?";
    case "object": {
      const [name, encoded] = value.members[0] ?? [];
      if (value.members.length !== 1 || name !== "b64" || encoded?.kind !== "string") return "?";
      return textOf(Buffer.from(encoded.bytes.toString("latin1"), "base64"));
    }
  }
}

const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");
const textOf = (bytes: Buffer) => (bytes.length === 1 && bytes[0] === 0xff ? MISSING : bytes.toString("hex"));

/** Whether a row has nothing but known names, each once, and single values of their types; or as many of these as there are inputs. */
function isSimple(row: PlainValue, kind: PlainValue["kind"]): boolean {
  if (row.kind !== kind) return false;
  if (row.kind === "list") return row.items.length === INPUTS.length && row.items.every((value, index) => isCell(value, index));
  if (row.kind !== "object" || row.members.some(([name]) => name === "b64")) return false;
  const indexes = row.members.map(([name]) => INPUTS.findIndex(({ alias }) => Buffer.from(alias).toString("latin1") === name));
  return (
    new Set(indexes).size === indexes.length &&
    row.members.every(([, value], i) => indexes[i]! >= 0 && isCell(value, indexes[i]!))
  );
}

function isCell(value: PlainValue, index: number): boolean {
  if (value.kind === "literal" && value.text === "null") return true;
  return value.kind === (INPUTS[index]!.dtype === "string" ? "string" : "number");
}

/** Values of a vector or of a matrix of one column; undefined for what is no column. */
function cells(tensor: Tensor): readonly string[] | undefined {
  if (tensor.shape.slice(1).some((size) => size !== 1)) return undefined;
  if (tensor.dtype !== "string")
    return Array.from(tensor.data as Float64Array, (value) => (Number.isNaN(value) ? MISSING : String(value)));
  const { data } = tensor;
  return Array.from({ length: data.length }, (_, i) =>
    isMissingText(data, i) ? MISSING : Buffer.from(stringBytes(data, i)).toString("hex"),
  );
}

const COLUMNS: readonly TabularInput[] = [
  { alias: "X", value: "X", type: "float64", columns: 2, vector: false, columnNames: ["a", "b"] },
  { alias: "city", value: "city", type: "texts", columns: 1, vector: true },
];
const features = new ExampleFeatures(COLUMNS);

/** A serialized `tf.Example` as a row of a table, against protobuf-es. */
export const tabularExamples: FuzzTarget = {
  name: "tabular-examples",
  dictionary: [
    "\x0a",
    "\x12",
    "\x1a",
    "\x08",
    "\x0d",
    "\x0a\x01X",
    "\x0a\x01a",
    "\x0a\x01b",
    "\x0a\x04city",
    "\x12\x06\x12\x04\x0d\0\0\x80",
    "\x1a\x02\x08\x01",
    "\x0a\x03\x0a\x01x",
  ],
  longest: 300,
  run(input): Outcome {
    const expected = plainExample(input);
    try {
      const { values } = features.read(stringTensor([1], [input]));
      const [matrix, city] = [values.get("X"), values.get("city")] as unknown as [
        { data: Float64Array },
        { texts: readonly (string | null)[] },
      ];
      const row = [...matrix.data, city.texts[0]].map(String).join();
      if (expected !== undefined) agree(row, expected, "row");
      return { accepted: true, shape: row.replace(/-?[0-9.e+]+/g, "1").slice(0, 20) };
    } catch (reason) {
      const outcome = refusal(reason);
      // protobuf-es does not see that a message ends within a field of another.
      if (expected !== undefined && !/malformed/.test((reason as Error).message)) {
        throw new Error("a sound example was refused", { cause: reason });
      }
      return outcome;
    }
  },
};

/** The row that an example is; undefined for one that is malformed or has a feature of another kind, number of values or in both forms. */
function plainExample(input: Buffer): string | undefined {
  let all: Record<string, Feature>;
  try {
    const message = fromBinary(ExampleSchema, input);
    // Of fields with a foreign wire type, and of what is there twice, protobuf-es thinks otherwise.
    if (!input.equals(toBinary(ExampleSchema, message))) return undefined;
    all = message.features?.feature ?? {};
  } catch {
    return undefined;
  }
  const has = (name: string) => Object.hasOwn(all, name);
  // Which of them counts depends on their order.
  if (has("X") && (has("a") || has("b"))) return undefined;
  const numbers: readonly (number | string | null | undefined)[] | undefined = has("X")
    ? valuesOf(all.X, "X", 2)
    : [valuesOf(all.a, "a", 1)?.[0], valuesOf(all.b, "b", 1)?.[0]];
  const city = valuesOf(all.city, "city", 1);
  if (numbers === undefined || city === undefined || numbers.includes(undefined)) return undefined;
  return [...numbers, city[0]].map(String).join();
}

function valuesOf(feature: Feature | undefined, name: string, width: number): readonly (number | string | null)[] | undefined {
  const isText = name === "city";
  const kind = feature?.kind;
  const missing = Array.from({ length: width }, () => (isText ? null : Number.NaN));
  if (kind?.case === undefined || kind.value.value.length === 0) return missing;
  if (kind.value.value.length !== width || kind.case === (isText ? "floatList" : "bytesList")) return undefined;
  return kind.value.value.map((value) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
    return isText ? String(value) : Number(value);
  });
}
