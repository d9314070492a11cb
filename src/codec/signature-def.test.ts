import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SignatureDefSchema } from "../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { SavedModelSchema } from "../gen/tensorflow/core/protobuf/saved_model_pb.ts";
import { readSignatureDef } from "./read-signature-def.ts";
import { signatureDefMap } from "./signature-def.ts";

const ODD = resolve(import.meta.dirname, "../../test/fixtures/tensorflow/reading/odd_signatures");
const odd = fromBinary(SavedModelSchema, new Uint8Array(readFileSync(join(ODD, "1/saved_model.pb")))).metaGraphs[0]!.signatureDef;

test("shows a signature as its own definition has it, whatever of it can be served", () => {
  const signatures = Object.entries(odd).map(([name, message]) => {
    return [name, readSignatureDef(toBinary(SignatureDefSchema, message)).signature] as const;
  });
  expect({ ...signatureDefMap(new Map(signatures)).signatureDef }).toEqual({ ...odd });
});

test("columns that may come for a matrix are not shown", () => {
  const X = { alias: "X", name: "X", dtype: "float64" as const, shape: [-1, 1], optional: true };
  const inputs = [X, { ...X, alias: "a", name: "a", shape: [-1], columnOf: "X" }];
  const { signatureDef } = signatureDefMap(new Map([["s", { inputs, outputs: [], methodName: "m" }]]));
  expect(Object.keys(signatureDef.s!.inputs)).toEqual(["X"]);
});

test("makes a definition of what has none", () => {
  const inputs = [{ alias: "a", name: "a:0", dtype: "int64" as const, shape: [-1, 2], dimensionNames: ["n"] }];
  const outputs = [{ alias: "__proto__", name: "b", dtype: "string" as const, shape: undefined }];
  const { signatureDef } = signatureDefMap(new Map([["s", { inputs, outputs, methodName: "m" }]]));
  expect(signatureDef.s).toMatchObject({
    methodName: "m",
    inputs: {
      a: {
        encoding: { case: "name", value: "a:0" },
        dtype: 9,
        tensorShape: {
          dim: [
            { size: -1n, name: "n" },
            { size: 2n, name: "" },
          ],
        },
      },
    },
  });
  expect(Object.entries(signatureDef.s!.outputs)).toMatchObject([
    ["__proto__", { dtype: 7, tensorShape: { unknownRank: true } }],
  ]);
});
