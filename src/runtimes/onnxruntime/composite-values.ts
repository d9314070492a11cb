import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { elementCount, sameShape } from "../../tensor/shape.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { NumericTensor, StringTensor, Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import { outputArray } from "../output-array.ts";
import type { OnnxLibrary } from "./library.ts";
import type { ModelValue } from "./model-values.ts";
import { expectSuccess } from "./status.ts";
import { readTensor } from "./tensor-values.ts";

/** Padding may blow a sequence up; more elements than this are refused. */
const MOST_ELEMENTS = 2 ** 28;

/**
 * Copies an output out of its `OrtValue`: one tensor, or for a sequence or map two, in the order of
 * `outputTensors` in model-values.ts. The value stays the caller's to release.
 *
 * @throws ServingError unimplemented when a sequence's elements do not make one tensor.
 */
export function readOutput(library: OnnxLibrary, output: ModelValue, value: Pointer): readonly Tensor[] {
  const { type, name } = output;
  switch (type.kind) {
    case "tensor":
      return [readTensor(library, value)];
    case "map": {
      const [keys, values] = readMap(library, value);
      return [values, keys];
    }
    case "map-sequence": {
      const maps = readElements(library, value, (element) => readMap(library, element));
      const none = { key: emptyTensor(type.key, [0]), value: emptyTensor(type.value, [0]) };
      const size = maps.length === 0 ? 0 : maps[0][1].shape[0];
      if (maps.some(([, values]) => values.shape[0] !== size)) {
        throw new ServingError("unimplemented", `the maps of output "${name}" have different sizes`);
      }
      const [keys, values] = [maps.map(([each]) => each), maps.map(([, each]) => each)];
      return [stack(values, none.value), stack(keys, none.key)];
    }
    case "sequence": {
      const elements = readElements(library, value, (element) => readTensor(library, element));
      const { dtype, shape } = type.element;
      const rank = elements.length > 0 ? elements[0].shape.length : (shape?.length ?? 0);
      if (elements.some((element) => element.shape.length !== rank)) {
        throw new ServingError("unimplemented", `the tensors of output "${name}" have different ranks`);
      }
      const padded = pad(
        elements,
        emptyTensor(
          dtype,
          Array.from({ length: rank }, () => 0),
        ),
        name,
      );
      const shapes = new BigInt64Array(elements.length * rank);
      elements.forEach((element, row) => {
        element.shape.forEach((size, axis) => {
          shapes[row * rank + axis] = BigInt(size);
        });
      });
      return [padded, { dtype: "int64", shape: [elements.length, rank], data: shapes }];
    }
  }
}

function readElements<R>(library: OnnxLibrary, sequence: Pointer, read: (element: Pointer) => R): R[] {
  const { api, result } = library;
  expectSuccess(api, api.getValueCount(sequence, result));
  const count = Number(result[0]);
  const elements: R[] = [];
  for (let i = 0; i < count; i++) elements.push(withElement(library, sequence, i, read));
  return elements;
}

function withElement<R>(library: OnnxLibrary, value: Pointer, index: number, read: (element: Pointer) => R): R {
  const { api, result, allocator } = library;
  expectSuccess(api, api.getValue(value, index, allocator, result));
  const element = result[0];
  try {
    return read(element);
  } finally {
    api.releaseValue(element);
  }
}

/** A map's keys and values, each of shape [k]. */
function readMap(library: OnnxLibrary, map: Pointer): [keys: Tensor, values: Tensor] {
  const part = (index: number): Tensor => withElement(library, map, index, (element) => readTensor(library, element));
  return [part(0), part(1)];
}

function emptyTensor(dtype: Tensor["dtype"], shape: readonly number[]): Tensor {
  if (dtype !== "string") return { dtype, shape, data: outputArray(dtype, 0) };
  return { dtype, shape, data: { length: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) } };
}

/** Puts tensors of one shape on top of each other; `empty` tells the dtype and shape when there are none. */
function stack(parts: readonly Tensor[], empty: Tensor): Tensor {
  const { dtype, shape } = parts[0] ?? empty;
  const stacked = [parts.length, ...shape];
  if (dtype === "string") {
    return { dtype, shape: stacked, data: joinStrings(parts as readonly StringTensor[]) };
  }
  const data = outputArray(dtype, elementCount(stacked));
  let next = 0;
  for (const part of parts as readonly NumericTensor[]) {
    data.set(part.data as never, next);
    next += part.data.length;
  }
  return { dtype, shape: stacked, data };
}

function joinStrings(parts: readonly StringTensor[]): StringArray {
  const count = parts.reduce((sum, { data }) => sum + data.length, 0);
  const size = parts.reduce((sum, { data }) => sum + data.offsets[data.length] - data.offsets[0], 0);
  const offsets = new Uint32Array(count + 1);
  const bytes = new Uint8Array(size);
  let row = 0;
  let end = 0;
  for (const { data } of parts) {
    bytes.set(data.bytes.subarray(data.offsets[0], data.offsets[data.length]), end);
    for (let i = 0; i < data.length; i++) offsets[++row] = end + data.offsets[i + 1] - data.offsets[0];
    end = offsets[row];
  }
  return { length: count, offsets, bytes };
}

/** Stacks tensors of one rank, each padded at the end of its axes to the largest size there. */
function pad(parts: readonly Tensor[], empty: Tensor, name: string): Tensor {
  const largest = (parts[0] ?? empty).shape.map((_, axis) => parts.reduce((most, { shape }) => Math.max(most, shape[axis]), 0));
  const each = elementCount(largest);
  if (each * parts.length > MOST_ELEMENTS) {
    throw new ServingError("resource-exhausted", `output "${name}" has too many elements when padded to one shape`);
  }
  return stack(
    parts.map((part) => (sameShape(part.shape, largest) ? part : padOne(part, largest))),
    empty,
  );
}

function padOne(part: Tensor, largest: readonly number[]): Tensor {
  const places = elementPlaces(part.shape, largest);
  if (part.dtype === "string") {
    const { offsets, bytes, length } = part.data;
    const count = elementCount(largest);
    const padded = new Uint32Array(count + 1);
    for (let i = 0; i < length; i++) padded[places[i] + 1] = offsets[i + 1] - offsets[i];
    // The strings keep their order, so that only lengths move.
    for (let i = 0; i < count; i++) padded[i + 1] += padded[i];
    return { dtype: "string", shape: largest, data: { length: count, offsets: padded, bytes } };
  }
  const { width } = ARRAY_TYPES[part.dtype];
  const data = outputArray(part.dtype, elementCount(largest));
  for (let i = 0; i < places.length; i++) {
    for (let k = 0; k < width; k++) data[places[i] * width + k] = part.data[i * width + k];
  }
  return { dtype: part.dtype, shape: largest, data };
}

/** Where each element of a tensor of shape `shape` lies in one of shape `largest`. */
function elementPlaces(shape: readonly number[], largest: readonly number[]): Uint32Array {
  const places = new Uint32Array(elementCount(shape));
  for (let i = 0; i < places.length; i++) {
    let rest = i;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      places[i] += (rest % shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= largest[axis];
    }
  }
  return places;
}
