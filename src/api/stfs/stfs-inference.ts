import { readStfsInputs, type StfsInputs } from "../../codec/json/stfs-data.ts";
import { type StfsHead, scanStfsDocument } from "../../codec/json/stfs-document.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import type { RunContext } from "../../model/servable.ts";
import type { Inference } from "../../serving/inference.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { withServable } from "../../serving/with-servable.ts";
import type { Signature } from "../../tensor/signature.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { JsonWorker } from "../tfs-rest/json-worker.ts";
import { LARGE_BODY_BYTES } from "../tfs-rest/large-json.ts";
import { mayMissTexts, withDeclaredRank, writeOutputs } from "../tfs-rest/rest-predict.ts";
import { answerPlan, type PlannedRun } from "./answer-plan.ts";
import { askedVersion } from "./asked-version.ts";
import { StfsPredict } from "./stfs-predict.ts";

/** What inference takes. */
export interface StfsInferenceServices {
  readonly table: ServingTable;
  readonly inference: Inference;
  /** Reads large bodies and writes large answers; without it the caller's thread does. */
  readonly json?: JsonWorker;
}

/** How the inputs of a call are read, once its signature is known; once for a request. */
export type ReadInputs = (signature: Signature) => NamedTensors | Promise<NamedTensors>;

/** Told which model a request turned out to be for. */
export type Found = (model: string) => void;

/** Answers a body of JSON: an object of the outputs by name. @throws ServingError as the codec, the table and the model do. */
export function inferJson(
  services: StfsInferenceServices,
  body: Uint8Array,
  found: Found,
  context: RunContext,
): Uint8Array | Promise<Uint8Array> {
  const { json } = services;
  if (json !== undefined && body.length >= LARGE_BODY_BYTES) return inferLargeJson(services, json, body, found, context);
  const { head, document } = scanStfsDocument(body);
  return infer(
    services,
    head,
    (signature) => completed(readStfsInputs(document, head.base64, signature.inputs, signature.rowwise), signature, context),
    found,
    context,
  );
}

async function inferLargeJson(
  services: StfsInferenceServices,
  json: JsonWorker,
  bytes: Uint8Array,
  found: Found,
  context: RunContext,
): Promise<Uint8Array> {
  const body = await json.openStfs(bytes, context.signal);
  try {
    const read = async (signature: Signature) => {
      const inputs = await body.readInputs(signature.inputs, signature.rowwise);
      body.close();
      return await completed(inputs, signature, context);
    };
    return await infer(services, body.head, read, found, context);
  } finally {
    body.close();
  }
}

/** Runs what Simple TensorFlow Serving runs for the request, on one version. */
export function infer(
  services: StfsInferenceServices,
  head: Omit<StfsHead, "base64">,
  read: ReadInputs,
  found: Found,
  context: RunContext,
): Uint8Array | Promise<Uint8Array> {
  const { table } = services;
  const asked = askedVersion(table, head);
  found(asked.name);
  return withServable(table, asked, ({ id, servable }) => {
    const [first, ...others] = answerPlan(table.about(id)?.platform, asked.signatureName, servable.signatures);
    const spec = { name: asked.name, version: id.version, versionLabel: undefined, signatureName: first!.signature };
    if (others.length > 0) return inferTogether(services, spec, [first!, ...others], read, context);
    return run(services, spec, read, context, (outputs, signature) =>
      writeOutputs("named", renamed(outputs, first!), services.json, context, mayMissTexts(signature)),
    );
  });
}

/** The outputs of several signatures on the same inputs, in one object. */
async function inferTogether(
  services: StfsInferenceServices,
  spec: ModelSpec,
  runs: readonly PlannedRun[],
  read: ReadInputs,
  context: RunContext,
): Promise<Uint8Array> {
  let inputs: NamedTensors | undefined;
  let missing = false;
  const all = new Map<string, Tensor>();
  for (const planned of runs) {
    const readOnce = async (signature: Signature) => (inputs ??= await read(signature));
    await run(services, { ...spec, signatureName: planned.signature }, readOnce, context, (outputs, signature) => {
      missing ||= mayMissTexts(signature);
      for (const [alias, tensor] of renamed(outputs, planned)) all.set(alias, tensor);
    });
  }
  return await writeOutputs("named", all, services.json, context, missing);
}

function run<Result>(
  { inference }: StfsInferenceServices,
  spec: ModelSpec,
  read: ReadInputs,
  context: RunContext,
  write: (outputs: NamedTensors, signature: Signature) => Result | Promise<Result>,
): Result | Promise<Result> {
  const shell = new StfsPredict(read, write);
  let answer: Result | Promise<Result>;
  try {
    answer = inference.predict(spec, shell, context);
  } catch (reason) {
    throw shell.explained(reason);
  }
  if (!(answer instanceof Promise)) return answer;
  return answer.catch((reason: unknown) => {
    throw shell.explained(reason);
  });
}

/** The tensors of a request's data, its images among them. */
function completed(
  { tensors, images }: StfsInputs,
  signature: Signature,
  { signal }: RunContext,
): NamedTensors | Promise<NamedTensors> {
  const ranked = withDeclaredRank(tensors, signature);
  if (images === undefined) return ranked;
  const { alias, encoded } = images;
  const files = Array.from({ length: encoded.length }, (_, index) => ({
    name: `${alias}[${index}]`,
    bytes: stringBytes(encoded, index),
  }));
  // Loaded when first needed: few models take images.
  return import("../../codec/image/read-image-inputs.ts").then(({ readImageInputs }) =>
    readImageInputs(signature, files, { input: alias }, ranked, signal),
  );
}

function renamed(outputs: NamedTensors, { output }: PlannedRun): NamedTensors {
  return output === undefined || outputs.size !== 1 ? outputs : new Map([...outputs.values()].map((tensor) => [output, tensor]));
}
