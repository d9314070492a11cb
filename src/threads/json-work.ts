import { type JsonDocument, scanDocument, signatureName } from "../codec/json/document.ts";
import { readPackedExamples } from "../codec/json/examples.ts";
import { readPredictImages } from "../codec/json/image-texts.ts";
import { type PredictFormat, type PredictInputs, readPredictInputs } from "../codec/json/predict-inputs.ts";
import { writePredictResponse } from "../codec/json/predict-response.ts";
import { readStfsInputs, type StfsInputs } from "../codec/json/stfs-data.ts";
import { type StfsHead, scanStfsDocument } from "../codec/json/stfs-document.ts";
import type { TensorInfo } from "../tensor/signature.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import type { Answer, Ticketed } from "./messages.ts";
import { answerTicket } from "./tickets.ts";

/** What a serving thread asks of its JSON thread, in this order for a body: `open`, then `inputs` or `examples`. */
export type JsonRequest =
  | { readonly kind: "open" | "open-stfs"; readonly body: Uint8Array }
  | {
      readonly kind: "inputs";
      readonly inputs: readonly TensorInfo[];
      readonly rowwise?: boolean;
      readonly images?: readonly string[];
    }
  | { readonly kind: "examples"; readonly method: "classify" | "regress" }
  | { readonly kind: "write"; readonly format: PredictFormat; readonly outputs: NamedTensors; readonly missing?: boolean };

/** `close` lets go of the body that was opened. */
export type ToJsonThread = Ticketed<JsonRequest> | { readonly kind: "close" };

/** What the thread answers: the signature's name or the head, the tensors, the examples or the text. */
export type JsonResult = string | StfsHead | StfsInputs | StringArray | Uint8Array;

/** The work of a JSON thread: one body at a time. */
export class JsonWork {
  #document: JsonDocument | undefined;
  /** Of a request to Simple TensorFlow Serving. */
  #head: StfsHead | undefined;

  /** @throws ServingError as the codec does. */
  perform(request: JsonRequest): JsonResult {
    switch (request.kind) {
      case "open":
        this.#document = scanDocument(request.body);
        return signatureName(this.#document);
      case "open-stfs":
        ({ head: this.#head, document: this.#document } = scanStfsDocument(request.body));
        return this.#head;
      case "inputs":
        return this.#head === undefined
          ? readInputs(this.#take(), request.inputs, request.rowwise, request.images)
          : readStfsInputs(this.#take(), this.#head.base64, request.inputs, request.rowwise);
      case "examples":
        return readPackedExamples(this.#take(), request.method);
      case "write":
        return writePredictResponse(request.format, request.outputs, request.missing);
    }
  }

  close(): void {
    this.#head = undefined;
    this.#document = undefined;
  }

  #take(): JsonDocument {
    const document = this.#document;
    if (document === undefined) throw new Error("no body was opened");
    return document;
  }
}

function readInputs(
  document: JsonDocument,
  inputs: readonly TensorInfo[],
  rowwise?: boolean,
  images: readonly string[] = [],
): PredictInputs {
  try {
    return readPredictInputs(document, inputs, rowwise);
  } catch (reason) {
    if (images.length === 0) throw reason;
    return readPredictImages(document.bytes, inputs, images, reason);
  }
}

const MOVED_TEXT_BYTES = 64 * 1024;

/**
 * Does what a message asks of `work`. `send` is given the answer with the memory that goes along with it; `report` is told of errors that
 * are nobody's ServingError.
 */
export function answerJson(
  work: JsonWork,
  message: ToJsonThread,
  send: (answer: Answer, memory: readonly ArrayBuffer[]) => void,
  report: (kind: JsonRequest["kind"], reason: unknown) => void,
): void {
  if (message.kind === "close") {
    work.close();
    return;
  }
  const { kind } = message.body;
  void answerTicket(
    message.ticket,
    () => work.perform(message.body),
    (answer) => send(answer, answer.error === undefined ? resultMemory(answer.value as JsonResult) : []),
    (reason) => report(kind, reason),
  );
}

/** The memory that goes along with a request instead of being copied. */
export function requestMemory(request: JsonRequest): readonly ArrayBuffer[] {
  if (request.kind === "open" || request.kind === "open-stfs") return buffers([request.body]);
  return request.kind === "write" ? tensorMemory(request.outputs) : [];
}

/** The memory that goes along with an answer. */
export function resultMemory(result: JsonResult): readonly ArrayBuffer[] {
  if (typeof result === "string") return [];
  // A short text lies in memory that Node shares among buffers, and that cannot be moved.
  if (result instanceof Uint8Array) return result.length < MOVED_TEXT_BYTES ? [] : buffers([result]);
  if ("offsets" in result) return buffers([result.offsets, result.bytes]);
  return "tensors" in result ? tensorMemory(result.tensors) : [];
}

function tensorMemory(tensors: NamedTensors): readonly ArrayBuffer[] {
  return buffers(
    [...tensors.values()].flatMap(({ dtype, data }): ArrayBufferView[] =>
      dtype === "string" ? [data.offsets, data.bytes] : [data],
    ),
  );
}

/** Empty arrays stay: readers of nothing share theirs. */
function buffers(views: readonly ArrayBufferView[]): readonly ArrayBuffer[] {
  return [...new Set(views.map((view) => view.buffer as ArrayBuffer))].filter((buffer) => buffer.byteLength > 0);
}
