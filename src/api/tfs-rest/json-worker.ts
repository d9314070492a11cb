import type { PredictFormat, PredictInputs } from "../../codec/json/predict-inputs.ts";
import type { StfsInputs } from "../../codec/json/stfs-data.ts";
import type { StfsHead } from "../../codec/json/stfs-document.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";

/**
 * Reads and writes JSON that would hold up a serving thread, somewhere else. Every call rejects with the ServingError that the codec
 * threw, with the signal's reason once it aborts, or with unavailable when the work was lost or too much of it waits.
 */
export interface JsonWorker {
  /**
   * Checks a body's syntax. The body may be gone afterwards: its memory is moved where that is possible. Others wait until what was
   * opened is closed, which the caller must do.
   */
  open(body: Uint8Array, signal: AbortSignal): Promise<OpenedBody>;
  /** The same for a request to Simple TensorFlow Serving. */
  openStfs(body: Uint8Array, signal: AbortSignal): Promise<OpenedStfsBody>;
  /** The body of a predict answer; the outputs are copied. With `missing`, missing texts are null. */
  write(format: PredictFormat, outputs: NamedTensors, signal: AbortSignal, missing?: boolean): Promise<Uint8Array>;
}

/** A request body whose syntax is right. */
export interface OpenedBody {
  /** "" where the body has none. */
  readonly signatureName: string;
  /**
   * The tensors of a predict request to a signature that is `rowwise` or not; once. Those of inputs that may have images are strings where
   * they have: the files.
   */
  readInputs(inputs: readonly TensorInfo[], rowwise?: boolean, images?: readonly string[]): Promise<PredictInputs>;
  /** The serialized examples of a classify or regress request; once. */
  readExamples(method: "classify" | "regress"): Promise<StringArray>;
  /** Lets the next body have its turn. Has no effect the second time. */
  close(): void;
}

/** A body of Simple TensorFlow Serving's API whose syntax is right. */
export interface OpenedStfsBody {
  readonly head: StfsHead;
  /** What its data holds; once. */
  readInputs(inputs: readonly TensorInfo[], rowwise?: boolean): Promise<StfsInputs>;
  /** Lets the next body have its turn. Has no effect the second time. */
  close(): void;
}
