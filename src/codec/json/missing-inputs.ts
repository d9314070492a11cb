import { ServingError } from "../../base/serving-error.ts";
import { elementCount, type Shape } from "../../tensor/shape.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { AllocationBudget } from "../allocation-budget.ts";
import type { ElementsOf } from "./element-reader.ts";

/** What a missing value takes in memory: a few bytes of a request can lack any number of them. */
const BYTES = 8;

/** Most names that a message lists, and most letters of each. */
const [LISTED_NAMES, LISTED_LETTERS] = [20, 60];

/** The memory that one request's missing values may take. */
export class MissingValues {
  readonly #budget = new AllocationBudget();

  /** Asks for room for some more. @throws ServingError invalid-argument when the request lacks too many. */
  take(count: number): void {
    this.#budget.take(count * BYTES);
  }
}

/**
 * The inputs of a rowwise request by alias, with what it lacks: an input that may miss values is missing in all rows; of a matrix that comes
 * as columns, the other columns are. What may be left out otherwise is.
 * @param found the tensors that there are, in the order of the inputs
 * @param rows how many rows the request has
 * @throws ServingError invalid-argument for a matrix together with its columns, and for an input that is lacking and may not be.
 */
export function withMissing(
  inputs: readonly TensorInfo[],
  found: readonly (Tensor | undefined)[],
  rows: number,
  elementsOf: ElementsOf,
  missing = new MissingValues(),
): NamedTensors {
  const columns = firstColumns(inputs, found);
  const tensors = new Map<string, Tensor>();
  for (let i = 0; i < inputs.length; i++) {
    const { alias, columnOf, optional, nullable } = inputs[i];
    const tensor = found[i];
    const column = columns.get(columnOf ?? alias);
    if (tensor !== undefined) {
      if (columnOf === undefined && column?.given !== undefined) {
        throw invalid(`the request has both "${alias}" and its column "${column.given}", and may have one of them`);
      }
      tensors.set(alias, tensor);
      continue;
    }
    const isNeeded =
      columnOf === undefined
        ? column?.given === undefined && (column !== undefined || optional !== true)
        : column?.given !== undefined;
    if (!isNeeded) continue;
    if (nullable !== true) throw lacking(alias);
    tensors.set(alias, missingTensor(inputs[i], rows, elementsOf, missing));
  }
  return tensors;
}

/** The shape of one row of an input; undefined where it is not declared. */
export function rowShape({ shape }: TensorInfo): Shape | undefined {
  const own = shape?.slice(1);
  return own?.every((size) => size >= 0) ? own : undefined;
}

/** The error for an input that a request lacks and may not. */
export function lacking(alias: string): ServingError {
  return invalid(`input "${alias}" is missing`);
}

/** Some names of inputs, for errors. */
export function listedNames(inputs: readonly TensorInfo[]): string {
  const shown = inputs.slice(0, LISTED_NAMES).map(({ alias }) => alias.slice(0, LISTED_LETTERS));
  return shown.join(", ") + (inputs.length > shown.length ? ", ..." : "");
}

/** By alias of each matrix with columns, the first of them that the request has. */
function firstColumns(inputs: readonly TensorInfo[], found: readonly (Tensor | undefined)[]) {
  const columns = new Map<string, { readonly given: string | undefined }>();
  for (let i = 0; i < inputs.length; i++) {
    const { alias, columnOf } = inputs[i];
    if (columnOf === undefined || columns.get(columnOf)?.given !== undefined) continue;
    columns.set(columnOf, { given: found[i] === undefined ? undefined : alias });
  }
  return columns;
}

function missingTensor(info: TensorInfo, rows: number, elementsOf: ElementsOf, missing: MissingValues): Tensor {
  const shape = rowShape(info);
  if (shape === undefined) throw lacking(info.alias);
  const count = rows * elementCount(shape);
  missing.take(count);
  const elements = elementsOf(info);
  try {
    for (let i = 0; i < count; i++) elements.addMissing();
  } catch (reason) {
    throw invalid(`input "${info.alias}": ${ServingError.from(reason).message}`);
  }
  return elements.finish([rows, ...shape]);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
