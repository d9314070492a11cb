import { isUtf8 } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import type { ServingError } from "../../../src/base/serving-error.ts";
import { decodeBase64Into, encodeBase64Into } from "../../../src/codec/json/base64.ts";
import { scanDocument, signatureName } from "../../../src/codec/json/document.ts";
import { readExamples } from "../../../src/codec/json/examples.ts";
import { readPredictInputs } from "../../../src/codec/json/predict-inputs.ts";
import { ExampleSchema } from "../../../src/gen/tensorflow/core/example/example_pb.ts";
import type { DType } from "../../../src/tensor/dtype.ts";
import type { TensorInfo } from "../../../src/tensor/signature.ts";
import { stringBytes } from "../../../src/tensor/string-array.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { PlainJson, type PlainValue, Refused } from "../plain/json.ts";
import { numberText, plainBase64, plainPredictInputs } from "../plain/predict-inputs.ts";
import { agree, type FuzzTarget, type Outcome, plain, refusal } from "../target.ts";

const input = (alias: string, dtype: DType, optional = false): TensorInfo => ({
  alias,
  name: alias,
  dtype,
  shape: undefined,
  optional,
});

const SIGNATURES: readonly (readonly TensorInfo[])[] = [
  [input("x", "float32")],
  [input("s", "string")],
  [input("l", "int64")],
  [input("c", "complex64")],
  [
    input("f", "float64"),
    input("é", "string", true),
    input("i", "int32", true),
    input("b", "bool", true),
    input("__proto__", "uint8", true),
  ],
];

/** The plain reader is itself compared with JSON.parse for inputs of some lengths. */
const TWIN_CHECKED_EVERY = 4;

const JSON_WORDS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  " ",
  "\n",
  "\t",
  "\0",
  "\x7f",
  "\xff",
  "\xef\xbb\xbf",
  "[]",
  "{}",
  "[[",
  "]]",
  '""',
  "true",
  "false",
  "null",
  "NaN",
  "-NaN",
  "Inf",
  "-Infinity",
  "Infinity",
  "-0",
  "1e400",
  "1e-400",
  "0.1",
  "-1.5e+10",
  "9007199254740993",
  "123456789012345678901234567890",
  "0.000000000000000000000001",
  "3.4028235677973366e38",
  "1.17549435e-38",
  "2147483648",
  "-9223372036854775808",
  "\\u0041",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\ud83d",
  "\\n",
  '\\"',
  '{"b64":"QQ=="}',
  '{"b64":"',
  '"instances":',
  '"inputs":',
  '"signature_name":"s"',
  '"examples":',
  '"context":',
  '"x":',
  '"f":',
  '"i":',
  '"\xc3\xa9":',
  '"b":',
  '"__proto__":',
  "[1,2],[3,4]",
  "[1.5,2.5]",
  "1,2,3,4,5,6,7,8,",
];

/** A tensor in the form of the plain reading. */
function textOf(tensor: Tensor): string {
  const shape = `[${tensor.shape.join()}]`;
  if (tensor.dtype === "string") {
    return `${shape} ${Array.from({ length: tensor.data.length }, (_, i) => Buffer.from(stringBytes(tensor.data, i)).toString("hex")).join()}`;
  }
  return `${shape} ${Array.from(tensor.data as ArrayLike<number | bigint>, (value) => (typeof value === "number" ? numberText(value) : value.toString())).join()}`;
}

/** The plain reading of the whole body, and whether JSON.parse sees it the same way. */
function plainRoot(body: Buffer): (PlainValue & { readonly kind: "object" }) | undefined {
  const reader = new PlainJson(body);
  let root: (PlainValue & { readonly kind: "object" }) | undefined;
  try {
    root = reader.root();
  } catch (reason) {
    if (!(reason instanceof Refused)) throw reason;
  }
  const { namedNumbers, stricter } = reader.differences;
  if (body.length % TWIN_CHECKED_EVERY > 0) return root;
  if (root !== undefined && !namedNumbers) JSON.parse(body.toString("utf8", reader.start, reader.end));
  if (root === undefined && !stricter && !namedNumbers && parses(body.toString("utf8", reader.start))) {
    throw new Error("the plain reading refuses what JSON.parse reads");
  }
  return root;
}

function parses(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A predict request's body, against a plain reader of JSON (itself against JSON.parse) and TensorFlow Serving's rules. */
export const jsonPredict: FuzzTarget = {
  name: "json-predict",
  dictionary: JSON_WORDS,
  longest: 900,
  run(body): Outcome {
    const root = plainRoot(body);
    let document: ReturnType<typeof scanDocument>;
    try {
      document = scanDocument(body);
    } catch (reason) {
      const outcome = refusal(reason);
      if (root !== undefined) throw new Error("a sound body was refused", { cause: reason });
      return { ...outcome, shape: (reason as ServingError).message.startsWith("JSON Value") ? "no object" : outcome.shape };
    }
    if (root === undefined) throw new Error("a malformed body was read");
    const shapes = SIGNATURES.map((inputs) => {
      const expected = attempt(() => plainPredictInputs(root, inputs));
      try {
        const { tensors, format } = readPredictInputs(document, inputs);
        if (expected === undefined) throw new Error("inputs were read that break the rules");
        agree(
          [...tensors]
            .map(([alias, tensor]) => `${alias} ${textOf(tensor)}`)
            .sort()
            .join("\n"),
          [...expected]
            .map(([alias, text]) => `${alias} ${text}`)
            .sort()
            .join("\n"),
          "tensors",
        );
        return `${format} ${[...tensors.values()].map(({ shape }) => Math.min(shape.length, 3)).join("")}`;
      } catch (reason) {
        const { shape } = refusal(reason);
        if (expected !== undefined) throw new Error("sound inputs were refused", { cause: reason });
        return shape.replace(/JSON Value:.*(?=Type|Is not|not formatted)/s, "").slice(0, 40);
      }
    });
    attempt(() => signatureName(document));
    return { accepted: shapes.some((shape) => /^(?:row|columnar)/.test(shape)), shape: shapes[0]! + shapes[4]! };
  },
};

/** The result, or undefined when it was refused. */
function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (reason) {
    if (!(reason instanceof Refused)) refusal(reason);
    return undefined;
  }
}

/** A classify request's body: the examples it becomes say what the tree of the body says. */
export const jsonExamples: FuzzTarget = {
  name: "json-examples",
  dictionary: JSON_WORDS,
  longest: 600,
  run(body): Outcome {
    const root = attempt(() => new PlainJson(body).root());
    try {
      const examples = readExamples(scanDocument(body), "classify");
      if (root === undefined) throw new Error("a malformed body was read");
      const first = (name: string) => root.members.find(([each]) => each === name)?.[1];
      const items = first("examples");
      const context = first("context");
      if (items?.kind !== "list") throw new Error("examples were read out of something else");
      // Names that are not UTF-8 stay as they are, and protobuf-es reads no such name.
      if (isUtf8(body))
        agree(
          examples.map(exampleText).join("\n"),
          items.items.map((item) => plainExample(item, context)).join("\n"),
          "examples",
        );
      return { accepted: true, shape: `${Math.min(examples.length, 3)} ${context === undefined}` };
    } catch (reason) {
      const outcome = refusal(reason);
      return { ...outcome, shape: plain(outcome.shape.replace(/JSON Value:.*(?=Is not|Expecting|When|')/s, "")).slice(0, 50) };
    }
  },
};

function exampleText(bytes: Uint8Array): string {
  const features = Object.entries(fromBinary(ExampleSchema, bytes).features?.feature ?? {});
  return features
    .map(([name, { kind }]) => {
      if (kind.case === undefined) return `${name} none `;
      const items = kind.value.value.map((value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString("hex") : numberText(Number(value)),
      );
      return `${name} ${kind.case} ${items.join()}`;
    })
    .sort()
    .join(";");
}

/** The features of an object in the form of {@link exampleText}, its own above the context's; the last of a name counts. */
function plainExample(value: PlainValue, context: PlainValue | undefined): string {
  const features = new Map<string, string>();
  for (const object of [context, value]) {
    if (object?.kind !== "object") continue;
    for (const [name, feature] of object.members) {
      const text = Buffer.from(name, "latin1").toString("utf8");
      features.set(text, `${text} ${featureText(feature.kind === "list" ? feature.items : [feature])}`);
    }
  }
  return [...features.values()].sort().join(";");
}

function featureText(values: readonly PlainValue[]): string {
  const texts = values.map(kindAndText);
  return `${texts[0]?.[0] ?? "none"} ${texts.map(([, text]) => text).join()}`;
}

function kindAndText(value: PlainValue): readonly [kind: string, text: string] {
  switch (value.kind) {
    case "literal":
      return ["int64List", value.text === "true" ? "1" : "0"];
    case "number":
      if (isInteger(value)) return ["int64List", numberText(Number(BigInt(value.text)))];
      return ["floatList", numberText(Math.fround(Number(value.text)))];
    case "string":
      return ["bytesList", value.bytes.toString("hex")];
    case "list":
      return ["none", ""];
    case "object": {
      const inner = value.members[0]?.[1];
      return ["bytesList", inner?.kind === "string" ? plainBase64(inner.bytes).toString("hex") : "none"];
    }
  }
}

function isInteger({ text, integer }: { readonly text: string; readonly integer: boolean }): boolean {
  return integer && BigInt(text) >= -(2n ** 63n) && BigInt(text) < 2n ** 64n;
}

/** The string between two quotes of a scanned body, as base64; and what is decoded is encoded again. */
export const base64: FuzzTarget = {
  name: "base64",
  dictionary: ["=", "==", "\\n", "\\/", "\\u0041", " ", "QUJD", "QQ==", "_", "-", "\\u003d"],
  longest: 300,
  run(text): Outcome {
    const json = new PlainJson(Buffer.concat([Buffer.from('{"":"'), text, Buffer.from('"}')]));
    const value = attempt(() => json.root())?.members[0]?.[1];
    // Only strings that were scanned are decoded.
    if (value?.kind !== "string" || json.end !== text.length + 7) return { accepted: false, shape: "no string" };
    const expected = attempt(() => plainBase64(value.bytes));
    const target = new Uint8Array(Math.ceil((text.length * 3) / 4) + 1).fill(0xaa);
    try {
      const end = decodeBase64Into(text, 0, text.length, target, 0);
      if (expected === undefined) throw new Error("what is not base64 was decoded");
      const decoded = Buffer.from(target.subarray(0, end));
      agree(decoded.toString("hex"), expected.toString("hex"), "the bytes");
      const encoded = new Uint8Array(Math.ceil(end / 3) * 4);
      agree(encodeBase64Into(decoded, encoded, 0), encoded.length, "the end of what was encoded");
      agree(Buffer.from(encoded).toString(), decoded.toString("base64"), "what was encoded");
      return { accepted: true, shape: `${end % 3} ${text.includes(0x5c)}` };
    } catch (reason) {
      const outcome = refusal(reason);
      if (expected !== undefined) throw new Error("base64 was refused", { cause: reason });
      return outcome;
    }
  },
};
