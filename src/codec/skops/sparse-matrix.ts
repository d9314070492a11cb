import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray } from "../pickle/numpy-array.ts";
import { type PickleName, PickleObject, type PickleValue } from "../pickle/pickle-value.ts";
import { readNpy } from "../pickle/read-npy.ts";

/** The files in a `.npz` of scipy's, by their names. */
export type Sparse = ReadonlyMap<string, Uint8Array>;

/** A sparse matrix as a pickle has it: the arrays that its format has, and its shape. @throws ServingError data-loss for a damaged one */
export function sparseMatrix(type: PickleName, files: Sparse): PickleObject {
  const state = new Map<PickleValue, PickleValue>();
  for (const key of ["data", "indices", "indptr", "offsets", "row", "col"]) {
    const file = files.get(`${key}.npy`);
    if (file !== undefined) state.set(key, readNpy(file));
  }
  const shape = files.get("shape.npy");
  if (shape === undefined) throw new ServingError("data-loss", "a sparse matrix has no shape");
  state.set("_shape", [...NumpyArray.of(readNpy(shape))!.values()]);
  const matrix = new PickleObject(type, []);
  matrix.state = state;
  return matrix;
}
