import { ServingError } from "../../base/serving-error.ts";
import type { EncodedImage } from "../../codec/image/encoded-image.ts";
import { imageInput } from "../../codec/image/image-input.ts";
import { IMAGE_RULES, readImageRules } from "../../codec/image/image-rules.ts";
import { pixelAxes } from "../../codec/image/pixel-input.ts";
import { readImageInputs } from "../../codec/image/read-image-inputs.ts";
import { scanDocument } from "../../codec/json/document.ts";
import { type PredictFormat, readPredictInputs } from "../../codec/json/predict-inputs.ts";
import { scanValue, skipSpace } from "../../codec/json/scan.ts";
import { giveBackArrays } from "../../codec/lent-array.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import { type MultipartForm, readMultipart } from "../../codec/multipart/read-multipart.ts";
import type { RunContext } from "../../model/servable.ts";
import type { Inference, PredictShell } from "../../serving/inference.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import type { JsonWorker } from "./json-worker.ts";
import { queryPairs } from "./predict-images.ts";
import { unknownSignature, withDeclaredRank, writeOutputs } from "./rest-predict.ts";

/** Fields whose files are for the input that takes images, whatever it is called. */
const IMAGE_FIELDS: ReadonlySet<string> = new Set(["image", "images"]);

const SIGNATURE_FIELD = "signature_name";

const encoder = new TextEncoder();

/**
 * Answers a predict call that came as a form with files: in rows, or in columns where the input takes one image alone. Rejects with
 * ServingErrors as the codecs and the model do.
 */
export async function answerForm(
  { json, inference }: { readonly json: JsonWorker | undefined; readonly inference: Inference },
  request: HttpRequest,
  specOf: (signatureName: string) => ModelSpec,
  context: RunContext,
): Promise<Uint8Array> {
  const form = await readMultipart(request.header("content-type"), request.body);
  const spec = specOf(onlyValue(SIGNATURE_FIELD, form.fields.get(SIGNATURE_FIELD) ?? [""]));
  return await inference.predict(spec, new FormPredict(form, request.target, json, context), context);
}

/** A predict call of the REST API whose inputs are a form's files and fields. */
class FormPredict implements PredictShell<Uint8Array> {
  readonly outputFilter: readonly string[] = [];
  readonly unknownSignature = unknownSignature;
  readonly #form: MultipartForm;
  readonly #target: string;
  readonly #json: JsonWorker | undefined;
  readonly #context: RunContext;
  #format: PredictFormat = "row";
  #inputs: NamedTensors | undefined;

  constructor(form: MultipartForm, target: string, json: JsonWorker | undefined, context: RunContext) {
    this.#form = form;
    this.#target = target;
    this.#json = json;
    this.#context = context;
  }

  async readInputs(signature: Signature): Promise<NamedTensors> {
    const { signal } = this.#context;
    const { rules: fieldRules, values } = sortFields(this.#form, signature);
    const rules = readImageRules([...queryPairs(this.#target), ...fieldRules]);
    const named = rules.input === undefined ? undefined : imageInput(signature, rules, values).alias;
    let inputs = withDeclaredRank(values, signature);
    for (const [alias, images] of sortFiles(this.#form, signature)) {
      if (named !== undefined && alias !== "" && alias !== named) {
        throw invalid(`image rule input is "${named}", but input "${alias}" has images`);
      }
      const own = alias === "" ? rules : { ...rules, input: alias };
      const info = imageInput(signature, own, inputs);
      inputs = await readImageInputs(signature, images, { ...own, input: info.alias }, inputs, signal);
      if (inputs.get(info.alias)?.dtype === "string" ? info.shape?.length === 0 : pixelAxes(info, own)?.batch === undefined) {
        this.#format = "columnar";
      }
    }
    this.#inputs = inputs;
    return inputs;
  }

  write(outputs: NamedTensors): Uint8Array | Promise<Uint8Array> {
    const answer = writeOutputs(this.#format, outputs, this.#json, this.#context);
    // One that is written elsewhere may be made of the inputs themselves.
    if (this.#inputs !== undefined && answer instanceof Uint8Array) giveBackArrays(this.#inputs);
    return answer;
  }
}

/** What a form's fields say: rules for images, and values of the inputs that they are named as. */
function sortFields(
  { fields }: MultipartForm,
  { inputs }: Signature,
): { readonly rules: readonly (readonly [string, string])[]; readonly values: NamedTensors } {
  const rules: [string, string][] = [];
  const values = new Map<string, Tensor>();
  for (const [name, given] of fields) {
    if (name === SIGNATURE_FIELD) continue;
    const text = onlyValue(name, given);
    const info = inputs.find(({ alias }) => alias === name);
    if (info !== undefined) values.set(name, fieldTensor(text, info));
    else if (IMAGE_RULES.includes(name)) rules.push([name, text]);
    else {
      const known = [SIGNATURE_FIELD, ...inputs.map(({ alias }) => alias), ...IMAGE_RULES];
      throw invalid(`unknown field "${name}" of the form, there are: ${known.join(", ")}, and image and images for files`);
    }
  }
  return { rules, values };
}

/** A form's files by the input that their field is named as; "" for those that are for the one that takes images. */
function sortFiles({ files }: MultipartForm, { inputs }: Signature): ReadonlyMap<string, readonly EncodedImage[]> {
  const sorted = new Map<string, EncodedImage[]>();
  for (const { field, label, bytes } of files) {
    const named = inputs.some(({ alias }) => alias === field);
    if (!named && !IMAGE_FIELDS.has(field)) {
      throw invalid(
        `unknown field "${field}" of a file, there are: image, images, ${inputs.map(({ alias }) => alias).join(", ")}`,
      );
    }
    const alias = named ? field : "";
    const images = sorted.get(alias) ?? [];
    sorted.set(alias, images);
    const place = `${named ? field : "images"}[${images.length}]`;
    images.push({ name: label === "" ? place : `${place} ("${label}")`, bytes });
  }
  if (sorted.size === 0) throw invalid("the form has no image: send a file in a field named image or images");
  return sorted;
}

function onlyValue(name: string, values: readonly string[]): string {
  if (values.length === 1) return values[0];
  throw invalid(`field "${name}" of the form is given ${values.length} times`);
}

/** A field's JSON text as the value of an input. */
function fieldTensor(text: string, info: TensorInfo): Tensor {
  try {
    checkOneValue(encoder.encode(text));
    const { tensors } = readPredictInputs(scanDocument(encoder.encode(`{"inputs":${text}}`)), [info]);
    return tensors.get(info.alias)!;
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    throw new ServingError(reason.code, `field "${info.alias}" of the form: ${reason.message}`, { cause: reason });
  }
}

/** @throws ServingError invalid-argument unless it is one JSON value and nothing else: it is to be put into a document. */
function checkOneValue(text: Uint8Array): void {
  const end = scanValue(text, skipSpace(text, 0, text.length), text.length);
  if (skipSpace(text, end, text.length) !== text.length) throw invalid("expected one JSON value");
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
