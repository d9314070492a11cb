import type { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { jsonType, valueError } from "./json-error.ts";
import type { BlockType, NumberBlock } from "./number-block.ts";
import { scanValue } from "./scan.ts";

/** Gathers the elements of one tensor from scanned JSON, in row-major order. */
export interface ElementReader {
  /** Elements so far. */
  readonly count: number;
  /**
   * Appends the element whose text starts at `start` (anything but an array) and gives the first byte after it.
   * @throws ServingError for a value that is not of the type.
   */
  read(bytes: Uint8Array, start: number): number;
  /** Appends an element that is missing. @throws ServingError invalid-argument where the type has no such value. */
  addMissing(): void;
  /** The type of the blocks that {@link readBlock} takes; undefined where it takes none. */
  readonly blockType: BlockType | undefined;
  /** Appends every number of a block of that type. The block's values must not be used after. */
  readBlock(block: NumberBlock): void;
  /** The tensor of all elements. The reader must not be used after. */
  finish(shape: Shape): Tensor;
}

/** What TensorFlow calls a type, where it differs. */
const TENSORFLOW_NAMES: Partial<Record<DType, string>> = { float32: "float", float64: "double", float16: "half" };

/** The name of a type in messages: `float`, `double`, `half`, `int32`, ... */
export function typeName(dtype: DType): string {
  return TENSORFLOW_NAMES[dtype] ?? dtype;
}

/** `JSON Value: V Type: T is not of expected type: DTYPE`, for the value at `start`. */
export function typeError(bytes: Uint8Array, start: number, dtype: DType): ServingError {
  const end = scanValue(bytes, start, bytes.length);
  return valueError(bytes, start, end, `Type: ${jsonType(bytes[start])} is not of expected type: ${typeName(dtype)}`);
}
