import { Buffer } from "node:buffer";
import { ServingError } from "../../base/serving-error.ts";
import type { EncodedImage } from "../../codec/image/encoded-image.ts";
import { IMAGE_RULES, readImageRules } from "../../codec/image/image-rules.ts";
import { readImageInputs } from "../../codec/image/read-image-inputs.ts";
import { versionOf } from "../../codec/json/stfs-document.ts";
import { type MultipartForm, readMultipart } from "../../codec/multipart/read-multipart.ts";
import type { RunContext } from "../../model/servable.ts";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { type Found, infer, type StfsInferenceServices } from "./stfs-inference.ts";

/** The fields that images are sent in, which is also what Simple TensorFlow Serving's models call their input. */
const IMAGE_FIELDS: ReadonlySet<string> = new Set(["image", "images"]);

/** The input of models that decode base64 in their graph, the only ones that Simple TensorFlow Serving could send images to. */
const BASE64_INPUT = "images";

const RULES: ReadonlySet<string> = new Set(IMAGE_RULES);

/**
 * Answers a form with images: an object of the outputs by name. A string input named `images` gets url-safe base64, every other one the
 * files' bytes, unless the field `encoding` says `raw` or `base64`; pixels are decoded by the rules among the fields.
 * Rejects with ServingErrors: invalid-argument, `Invalid form-data: REASON`, for what the form got wrong.
 */
export async function inferForm(
  services: StfsInferenceServices,
  request: HttpRequest,
  found: Found,
  context: RunContext,
): Promise<Uint8Array> {
  const { form, images, rules, encoding } = await readForm(request);
  const head = {
    model: field(form, "model_name"),
    ...versionOf(field(form, "model_version")),
    signatureName: field(form, "signature_name"),
  };
  return await infer(
    services,
    head,
    (signature) => {
      const asBase64 = (encoding || (takesBase64(signature.inputs, rules.input) ? "base64" : "raw")) === "base64";
      const sent = asBase64 ? images.map(urlSafeBase64) : images;
      return readImageInputs(signature, sent, rules, new Map(), context.signal);
    },
    found,
    context,
  );
}

async function readForm(request: HttpRequest) {
  try {
    const form = await readMultipart(request.header("content-type"), request.body);
    const images = form.files
      .filter((file) => IMAGE_FIELDS.has(file.field))
      .map(({ label, bytes }, index) => ({ name: imageName(index, label), bytes }));
    if (images.length === 0) throw new ServingError("invalid-argument", "expected a file in a field named image or images");
    const rules = readImageRules(
      [...form.fields].flatMap(([name, values]) => (RULES.has(name) ? values.map((value) => [name, value] as const) : [])),
    );
    const encoding = field(form, "encoding");
    if (!["", "raw", "base64"].includes(encoding)) {
      throw new ServingError("invalid-argument", `encoding must be raw or base64, got ${JSON.stringify(encoding.slice(0, 40))}`);
    }
    return { form, images, rules, encoding };
  } catch (reason) {
    if (!(reason instanceof ServingError) || reason.code !== "invalid-argument") throw reason;
    throw new ServingError("invalid-argument", `Invalid form-data: ${reason.message}`, { cause: reason });
  }
}

function imageName(index: number, label: string): string {
  return label === "" ? `images[${index}]` : `images[${index}] (${JSON.stringify(label)})`;
}

function field(form: MultipartForm, name: string): string {
  return form.fields.get(name)?.[0] ?? "";
}

function takesBase64(inputs: readonly { readonly alias: string; readonly dtype: string }[], named: string | undefined): boolean {
  return (
    (named ?? BASE64_INPUT) === BASE64_INPUT && inputs.some(({ alias, dtype }) => alias === BASE64_INPUT && dtype === "string")
  );
}

function urlSafeBase64({ name, bytes }: EncodedImage): EncodedImage {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return { name, bytes: Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_"), "latin1") };
}
