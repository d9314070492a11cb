import { expect, test } from "vitest";
import type { Shape } from "../../tensor/shape.ts";
import { zeros } from "../../tensor/tensor.ts";
import { expectedShape, namedSizes } from "./input-shapes.ts";
import type { ModelValue, TensorType } from "./model-values.ts";

function tensor(shape: Shape | undefined, dimensionNames?: string[]): TensorType {
  return { kind: "tensor", dtype: "float32", shape, ...(dimensionNames ? { dimensionNames } : {}) };
}

const inputs: ModelValue<TensorType>[] = [
  { name: "a", type: tensor([-1, 3, -1], ["N", "", "L"]), optional: false },
  { name: "b", type: tensor([-1, -1], ["N", ""]), optional: true },
];

test.each<[string, Shape[], TensorType, Shape | undefined]>([
  [
    "is known by the names of dimensions",
    [
      [2, 3, 5],
      [2, 9],
    ],
    tensor([-1, -1, 7], ["L", "N", ""]),
    [5, 2, 7],
  ],
  ["is known when it is fixed", [[2, 3, 5]], tensor([4, 4]), [4, 4]],
  ["is known for a scalar", [[2, 3, 5]], tensor([]), []],
  ["is open for a dimension without a name", [[2, 3, 5]], tensor([-1], [""]), undefined],
  ["is open for a name that no input has", [[2, 3, 5]], tensor([-1], ["K"]), undefined],
  [
    "is open when inputs disagree on the name",
    [
      [2, 3, 5],
      [4, 9],
    ],
    tensor([-1], ["N"]),
    undefined,
  ],
  ["is open for an unknown rank", [[2, 3, 5]], tensor(undefined), undefined],
])("an output's shape %s", (_, shapes, output, expected) => {
  const sizes = namedSizes(
    inputs,
    shapes.map((shape) => zeros("float32", shape)),
  );
  expect(expectedShape(output, sizes)).toEqual(expected);
});
