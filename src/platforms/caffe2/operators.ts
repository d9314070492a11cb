import type { Translation } from "./call.ts";
import { ELEMENTWISE_OPERATORS } from "./operators/elementwise.ts";
import { FILLING_OPERATORS } from "./operators/filling.ts";
import { IMAGING_OPERATORS } from "./operators/imaging.ts";
import { MATRIX_OPERATORS } from "./operators/matrix.ts";
import { NORMALIZING_OPERATORS } from "./operators/normalizing.ts";
import { PASSING_OPERATORS } from "./operators/passing.ts";
import { REDUCING_OPERATORS } from "./operators/reducing.ts";
import { SEGMENT_OPERATORS } from "./operators/segments.ts";
import { SELECTING_OPERATORS } from "./operators/selecting.ts";
import { SHAPING_OPERATORS } from "./operators/shaping.ts";
import { WINDOW_OPERATORS } from "./operators/windows.ts";

/** Every operator that is covered, by Caffe2's name of it. */
export const OPERATORS: ReadonlyMap<string, Translation> = new Map(
  [
    WINDOW_OPERATORS,
    NORMALIZING_OPERATORS,
    MATRIX_OPERATORS,
    ELEMENTWISE_OPERATORS,
    SHAPING_OPERATORS,
    SELECTING_OPERATORS,
    REDUCING_OPERATORS,
    SEGMENT_OPERATORS,
    IMAGING_OPERATORS,
    FILLING_OPERATORS,
    PASSING_OPERATORS,
  ].flatMap((group) => Object.entries(group)),
);
