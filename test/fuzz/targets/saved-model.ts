import { create, fromBinary } from "@bufbuild/protobuf";
import { readSignatureDef, type SignatureReading } from "../../../src/codec/read-signature-def.ts";
import { readSavedModel, type SavedModel } from "../../../src/codec/saved-model/saved-model.ts";
import { readSavedModelText } from "../../../src/codec/saved-model/saved-model-text.ts";
import { TestWindow } from "../../../src/codec/saved-model/test-window.ts";
import { signatureDefMap } from "../../../src/codec/signature-def.ts";
import { plainSignature } from "../../../src/codec/test-plain-signature.ts";
import { SignatureDefSchema } from "../../../src/gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { SavedModelSchema } from "../../../src/gen/tensorflow/core/protobuf/saved_model_pb.ts";
import { type Fields, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

const FILE = "m.pb";
const NEVER = new AbortController().signal;
/** Small, so that the window has to be moved. */
const AT_HAND = 64;

const NODE: Fields = { 2: "string" };
const LIBRARY: Fields = { 1: { 1: { 1: "string" }, 3: NODE } };
const MODEL: Fields = {
  1: "varint",
  2: { 1: { 4: "string", 5: "string" }, 2: { 1: NODE, 2: LIBRARY }, 5: { 1: "string", 2: {} } },
};
/** Without signatures, so that broken ones do not matter to the generated code. */
const WITHOUT_SIGNATURES: Fields = {
  1: "varint",
  2: { 1: { 4: "string", 5: "string" }, 2: { 1: NODE, 2: LIBRARY }, 5: { 1: "string" } },
};

/** What a sound message may be refused for: it is another one, or written as no writer does. */
const SOUND_REFUSALS =
  /is empty|holds no graph|as in a GraphDef|of an unknown kind|a number is too long|ends outside the one it is in/;

/** The reader of SavedModels, against the generated code. */
export const savedModel: FuzzTarget = {
  name: "saved-model",
  dictionary: [
    "0801",
    "1200",
    "1202",
    "0a00",
    "22057365727665",
    "2a04322e3138",
    "12040a021201",
    "0a03120141",
    "2a050a017312",
    "12060a040a020a01",
    "1a0012",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 500,
  async run(input): Promise<Outcome> {
    const sound = isSound(input, MODEL);
    let model: SavedModel;
    try {
      model = await readSavedModel(new TestWindow(input, AT_HAND), FILE, NEVER);
    } catch (reason) {
      const outcome = refusal(reason);
      const { message } = reason as Error;
      if (!message.startsWith(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
      if (sound && !SOUND_REFUSALS.test(message)) throw new Error("a sound model was refused", { cause: reason });
      return outcome;
    }
    if (!sound) throw new Error("a malformed model was read");
    const expected = fromBinary(SavedModelSchema, onlyFields(input, WITHOUT_SIGNATURES));
    agree(model.metaGraphs.length, expected.metaGraphs.length, "the number of graphs");
    const read = model.metaGraphs.map(({ tags, tensorflowVersion, signatures, opTypes }) => {
      return [tags, tensorflowVersion, [...signatures.keys()].sort(), [...opTypes].sort()];
    });
    const plain = expected.metaGraphs.map(({ metaInfoDef, graphDef, signatureDef }) => {
      const functions = graphDef?.library?.function ?? [];
      const names = new Set(functions.map(({ signature }) => signature?.name ?? ""));
      const nodes = [...(graphDef?.node ?? []), ...functions.flatMap(({ nodeDef }) => nodeDef)];
      const ops = new Set(nodes.map(({ op }) => op).filter((op) => op !== "" && !names.has(op)));
      return [metaInfoDef?.tags ?? [], metaInfoDef?.tensorflowVersion ?? "", Object.keys(signatureDef).sort(), [...ops].sort()];
    });
    agree(JSON.stringify(read), JSON.stringify(plain), "the graphs");
    const [first] = model.metaGraphs;
    return {
      accepted: true,
      shape: [model.metaGraphs.length, first?.tags.length, first?.signatures.size, first?.opTypes.size]
        .map((n) => Math.min(n ?? 0, 3))
        .join(" "),
    };
  },
};

const TENSOR: Fields = { 1: "string", 2: "varint", 3: { 2: { 1: "varint", 2: "string" }, 3: "varint" }, 4: "bytes", 5: "bytes" };
const SIGNATURE: Fields = {
  1: { 1: "string", 2: TENSOR },
  2: { 1: "string", 2: TENSOR },
  3: "string",
  4: { 1: "string", 2: {} },
};
/** Sparse and composite tensors and defaults are looked into by the generated code, which reads over the end of a part in a part. */
const EMPTY_TENSOR: Fields = { ...TENSOR, 4: {}, 5: {} };
const WITHOUT_PARTS: Fields = {
  1: { 1: "string", 2: EMPTY_TENSOR },
  2: { 1: "string", 2: EMPTY_TENSOR },
  3: "string",
  4: { 1: "string", 2: {} },
};

/** The reader of signatures, against the generated code, and the metadata made of what it read. */
export const signatureDef: FuzzTarget = {
  name: "signature-def",
  dictionary: [
    "0a00",
    "1200",
    "0a0a0a0178",
    "12070a0561",
    "1205",
    "1001",
    "1065",
    "1014",
    "1a00",
    "1a04120208ff",
    "1a021801",
    "2200",
    "2a00",
    "22070a0178120208",
    "1a0179",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 300,
  run(input): Outcome {
    let reading: SignatureReading;
    try {
      reading = readSignatureDef(input);
    } catch (reason) {
      return refusal(reason);
    }
    if (!isSound(input, SIGNATURE)) throw new Error("a malformed signature was read");
    if (!isSound(input, WITHOUT_PARTS)) return { accepted: true, shape: "with a broken part" };
    const { signature, defaults } = reading;
    const { inputs, outputs, methodName, uncallable } = signature;
    const expected = plainSignature(fromBinary(SignatureDefSchema, onlyFields(input, WITHOUT_PARTS)));
    const read = { methodName, inputs, outputs, callable: uncallable === undefined, defaults: [...defaults.keys()].sort() };
    agree(read, expected, "the signature");
    agree(
      signatureDefMap(new Map([["s", signature]])).signatureDef.s?.$typeName,
      create(SignatureDefSchema).$typeName,
      "metadata",
    );
    return {
      accepted: true,
      shape: `${Math.min(inputs.length, 3)} ${Math.min(outputs.length, 3)} ${defaults.size > 0} ${uncallable?.replace(/".*"/, "x")}`,
    };
  },
};

/** The reader of SavedModels in text format. */
export const savedModelText: FuzzTarget = {
  name: "saved-model-text",
  dictionary: [
    "meta_graphs {",
    "}",
    "meta_info_def",
    "tags: 'serve'",
    "signature_def { key: 's' value {",
    "graph_def",
    "node { op: ",
    "[a.b/c.D] {",
    "unknown",
    ": -1",
    "<",
    ">",
    "12: ",
  ],
  longest: 500,
  run(input): Outcome {
    try {
      const { metaGraphs } = readSavedModelText(input.toString(), FILE);
      const [first] = metaGraphs;
      return {
        accepted: true,
        shape: `${Math.min(metaGraphs.length, 3)} ${first?.tags.length} ${first?.signatures.size} ${first?.opTypes.size}`,
      };
    } catch (reason) {
      const outcome = refusal(reason);
      if (!(reason as Error).message.startsWith(FILE)) throw new Error("a refusal does not name the file", { cause: reason });
      return outcome;
    }
  },
};

function isSound(input: Buffer, fields: Fields): boolean {
  try {
    onlyFields(input, fields);
    return true;
  } catch (reason) {
    if (!(reason instanceof Unsound)) throw reason;
    return false;
  }
}
