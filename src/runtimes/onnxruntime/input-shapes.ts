import { ServingError } from "../../base/serving-error.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { spokenDType } from "./element-type.ts";
import type { ModelValue, TensorType } from "./model-values.ts";

/** The inputs of one run by their place in the signature; `undefined` for one that is left out. */
export type GivenInputs = readonly (Tensor | undefined)[];

/** @throws ServingError invalid-argument unless the tensor's dtype is the declared one. `index` is the input's place. */
export function checkDType(declared: ModelValue<TensorType>, index: number, tensor: Tensor): void {
  if (tensor.dtype === declared.type.dtype) return;
  throw new ServingError(
    "invalid-argument",
    `Expects arg[${index}] to be ${spokenDType(declared.type.dtype)} but ${spokenDType(tensor.dtype)} is provided`,
  );
}

/** @throws ServingError invalid-argument unless the shape has the declared rank and fixed sizes. */
export function checkShape({ name, type }: ModelValue<TensorType>, shape: Shape): void {
  const declared = type.shape;
  if (declared === undefined) return;
  const fits = declared.length === shape.length && declared.every((size, axis) => size === -1 || size === shape[axis]);
  if (fits) return;
  const wanted = declared.map((size, axis) => (size === -1 ? type.dimensionNames?.[axis] || "-1" : size));
  throw new ServingError(
    "invalid-argument",
    `input "${name}" expects shape [${wanted.join(",")}] but [${shape.join(",")}] is provided`,
  );
}

/** Sizes of named dimensions; -1 for a name that the inputs give different sizes. */
export type NamedSizes = ReadonlyMap<string, number>;

/** What the inputs' shapes say about the model's named dimensions. */
export function namedSizes(inputs: readonly ModelValue<TensorType>[], given: GivenInputs): NamedSizes {
  const sizes = new Map<string, number>();
  inputs.forEach(({ type }, index) => {
    const tensor = given[index];
    if (tensor === undefined) return;
    type.dimensionNames?.forEach((name, axis) => {
      if (name === "" || type.shape?.[axis] !== -1) return;
      const size = tensor.shape[axis];
      sizes.set(name, (sizes.get(name) ?? size) === size ? size : -1);
    });
  });
  return sizes;
}

/** The shape an output will have by its declaration; `undefined` when a size is not known before the run. */
export function expectedShape(type: TensorType, sizes: NamedSizes): Shape | undefined {
  if (type.shape === undefined) return undefined;
  const shape = type.shape.map((size, axis) => (size === -1 ? (sizes.get(type.dimensionNames?.[axis] ?? "") ?? -1) : size));
  return shape.includes(-1) ? undefined : shape;
}
