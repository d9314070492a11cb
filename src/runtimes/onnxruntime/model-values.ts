import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { DeclaredShape } from "../../tensor/shape.ts";
import { PREDICT_METHOD, type Signature, type TensorInfo } from "../../tensor/signature.ts";

/** A tensor as a model declares it. */
export interface TensorType {
  readonly kind: "tensor";
  readonly dtype: DType;
  readonly shape: DeclaredShape;
  /** Names of symbolic dimensions by position, "" for none; absent when there is no name at all. */
  readonly dimensionNames?: readonly string[];
}

/** What an output may be. Plain data. */
export type ValueType =
  | TensorType
  | { readonly kind: "sequence"; readonly element: TensorType }
  | { readonly kind: "map"; readonly key: DType; readonly value: DType }
  | { readonly kind: "map-sequence"; readonly key: DType; readonly value: DType };

/** An input or output of a session. */
export interface ModelValue<Type extends ValueType = ValueType> {
  readonly name: string;
  readonly type: Type;
  /** True for an input with a value of its own. */
  readonly optional: boolean;
}

/** A session's inputs and outputs, in the model's order. */
export interface ModelValues {
  readonly inputs: readonly ModelValue<TensorType>[];
  readonly outputs: readonly ModelValue[];
  /** What must not be given a tensor without elements: the engine's kernel of it ends the process. Absent when nothing is. */
  readonly fragile?: string;
}

/** Ending of the second tensor that a sequence of tensors becomes: each element's true shape. */
export const SHAPES = ".shapes";
/** Ending of the second tensor that a map, or a sequence of maps, becomes: the keys. */
export const KEYS = ".keys";

/** The tensors one output becomes, the first under the output's own name. */
export function outputTensors({ name, type }: ModelValue): readonly TensorInfo[] {
  const tensor = (suffix: string, dtype: DType, shape: DeclaredShape): TensorInfo => ({
    alias: name + suffix,
    name: name + suffix,
    dtype,
    shape,
  });
  switch (type.kind) {
    case "tensor":
      return [tensorInfo({ name, type, optional: false })];
    case "sequence": {
      const rank = type.element.shape?.length;
      return [
        tensor("", type.element.dtype, rank === undefined ? undefined : Array.from({ length: rank + 1 }, () => -1)),
        tensor(SHAPES, "int64", [-1, rank ?? -1]),
      ];
    }
    case "map":
      return [tensor("", type.value, [-1]), tensor(KEYS, type.key, [-1])];
    case "map-sequence":
      return [tensor("", type.value, [-1, -1]), tensor(KEYS, type.key, [-1, -1])];
  }
}

/**
 * The signature a session is called by.
 * @throws ServingError unimplemented when a tensor made of a sequence or map would have another output's name.
 */
export function signatureOf(values: ModelValues): Signature {
  const outputs = values.outputs.flatMap(outputTensors);
  const seen = new Set<string>();
  for (const { alias } of outputs) {
    if (seen.has(alias)) {
      throw new ServingError("unimplemented", `output "${alias}" is there twice: a sequence or map output needs that name too`);
    }
    seen.add(alias);
  }
  return { inputs: values.inputs.map(tensorInfo), outputs, methodName: PREDICT_METHOD };
}

function tensorInfo({ name, type, optional }: ModelValue<TensorType>): TensorInfo {
  return {
    alias: name,
    name,
    dtype: type.dtype,
    shape: type.shape,
    ...(type.dimensionNames === undefined ? {} : { dimensionNames: type.dimensionNames }),
    ...(optional ? { optional } : {}),
  };
}
