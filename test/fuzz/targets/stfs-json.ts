import { isUtf8 } from "node:buffer";
import { readStfsInputs } from "../../../src/codec/json/stfs-data.ts";
import { scanStfsDocument } from "../../../src/codec/json/stfs-document.ts";
import type { TensorInfo } from "../../../src/tensor/signature.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const SIGNATURES: readonly (readonly TensorInfo[])[] = [
  [{ alias: "x", name: "x", dtype: "int32", shape: [-1] }],
  [{ alias: "s", name: "s", dtype: "string", shape: undefined }],
  [{ alias: "p", name: "p", dtype: "uint8", shape: [-1, 2, 2, 3] }],
  [
    { alias: "data", name: "data", dtype: "bool", shape: undefined },
    { alias: "__proto__", name: "__proto__", dtype: "int64", shape: undefined, optional: true },
  ],
];

/** What RapidJSON refuses and JSON.parse takes. */
const STRICTER = /Number too big|surrogate pair/;

/** Requests to Simple TensorFlow Serving: what JSON.parse takes for an object is one, with the members that it finds. */
export const jsonStfs: FuzzTarget = {
  name: "json-stfs",
  dictionary: [
    '{"data":',
    '"model_name":"m",',
    '"model_version":',
    '"signature_name":"s",',
    '"base64_decode":true,',
    '"x":',
    '"s":',
    '"p":',
    '{"b64":"_-8="}',
    '{"data":',
    "11.0",
    "1.5",
    "9007199254740993",
    "[[",
    "]]",
    "[]",
    "{}",
    "true",
    "null",
    "\\u005f",
    '"__proto__":',
  ],
  run(input: Buffer): Outcome {
    const parsed = parsedObject(input);
    let document: ReturnType<typeof scanStfsDocument>;
    try {
      document = scanStfsDocument(input);
    } catch (reason) {
      const { message } = reason as Error;
      if (parsed !== undefined && message.startsWith("Invalid json data") && !STRICTER.test(message)) {
        throw new Error(`JSON was refused: ${message}`);
      }
      return refusal(reason);
    }
    if (parsed !== undefined && "data" in parsed !== (document.document.members.inputs !== undefined)) {
      throw new Error("data is there for one reader alone");
    }
    const kinds: string[] = [];
    for (const inputs of SIGNATURES) {
      try {
        // Read anew: the tensors take over what the scan read.
        const again = scanStfsDocument(input);
        const { tensors, images } = readStfsInputs(again.document, again.head.base64, inputs);
        kinds.push(
          ...[...tensors.values()].map(({ dtype, shape }) => `${dtype}${shape.length}`),
          images === undefined ? "" : "images",
        );
      } catch (reason) {
        kinds.push(refusal(reason).shape);
      }
    }
    return { accepted: true, shape: kindsOf(kinds) };
  },
};

/** The object that JSON.parse makes of an input; undefined where it makes none. */
function parsedObject(input: Buffer): object | undefined {
  if (!isUtf8(input)) return undefined;
  try {
    const value: unknown = JSON.parse(input.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
