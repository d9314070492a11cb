import { describe, expect, test } from "vitest";
import type { DeclaredShape } from "../tensor/shape.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { batchableSignatures } from "./batchable.ts";

const tensor = (alias: string, shape: DeclaredShape, ...dimensionNames: string[]): TensorInfo => ({
  alias,
  name: alias,
  dtype: "float32",
  shape,
  ...(dimensionNames.length > 0 && { dimensionNames }),
});
const signature = (inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): Signature => ({
  inputs,
  outputs,
  methodName: "m",
});

describe("a signature", () => {
  const good = tensor("y", [-1]);
  const cases: readonly [string, Signature, string | undefined][] = [
    ["with free first dimensions can be batched", signature([tensor("x", [-1, 3])], [good]), undefined],
    ["of unknown ranks can be batched", signature([tensor("x", undefined)], [tensor("y", undefined)]), undefined],
    [
      "whose first dimensions have one name can be batched",
      signature([tensor("x", [-1, -1], "N", "L"), tensor("z", [-1])], [tensor("y", [-1], "N")]),
      undefined,
    ],
    [
      "whose output's dimension has a name of its own can be batched, as PyTorch's exporter leaves it",
      signature([tensor("x", [-1, -1], "n", "t")], [tensor("y", [-1, -1], "LayerNormalization_dim_0", "t")]),
      undefined,
    ],
    [
      "with a fixed first dimension cannot",
      signature([tensor("x", [1, 3])], [good]),
      'input "x" has a first dimension of 1, which would have to be free',
    ],
    [
      "with texts that are padded to the longest row cannot",
      signature([tensor("x", [-1])], [{ ...tensor("y", [-1, -1]), dtype: "string", nullable: true }]),
      'output "y" is as wide as the longest row of the request',
    ],
    [
      "with texts that may be missing can be batched",
      signature([tensor("x", [-1])], [{ ...tensor("y", [-1, 2]), dtype: "string", nullable: true }]),
      undefined,
    ],
    [
      "with a matrix that may come as columns can be batched",
      signature(
        [
          { ...tensor("X", [-1, 2]), optional: true },
          { ...tensor("a", [-1]), optional: true, columnOf: "X" },
        ],
        [good],
      ),
      undefined,
    ],
    ["with a scalar input cannot", signature([tensor("x", [-1]), tensor("k", [])], [good]), 'input "k" is a scalar'],
    ["with a scalar output cannot", signature([tensor("x", [-1])], [tensor("y", [])]), 'output "y" is a scalar'],
    [
      "with an output of fixed length cannot",
      signature([tensor("x", [-1])], [tensor("y", [10])]),
      'output "y" has a first dimension of 10, which would have to be free',
    ],
    [
      "whose output has another free dimension cannot",
      signature([tensor("x", [-1, -1], "N", "L")], [tensor("y", [-1], "L")]),
      'the first dimension of output "y" is "L" and that of input "x" is "N"',
    ],
    [
      "whose inputs have different free dimensions cannot",
      signature([tensor("x", [-1], "N"), tensor("z", [-1], "M")], [good]),
      'the first dimension of input "z" is "M" and that of input "x" is "N"',
    ],
    [
      "that takes time first and the batch behind it cannot",
      signature([tensor("x", [-1, -1, 4], "time", "batch", "")], [tensor("y", [-1, -1, 3], "time", "batch", "")]),
      'input "x" has the batch as dimension 1, where it would have to be the first',
    ],
    ["without inputs cannot", signature([], [good]), "it has no inputs"],
  ];
  test.each(cases)("%s", (_what, given, reason) => {
    const { batched, unbatched } = batchableSignatures(new Map([["s", given]]));
    expect(unbatched).toEqual(reason === undefined ? [] : [{ signature: "s", reason }]);
    expect([...batched.keys()]).toEqual(reason === undefined ? ["s"] : []);
  });

  test("can be batched whatever its optional inputs are, as long as they are not given", () => {
    const optional = (info: TensorInfo): TensorInfo => ({ ...info, optional: true });
    const inputs = [tensor("x", [-1]), optional(tensor("w", [3, 4])), optional(tensor("m", [-1]))];
    const { batched } = batchableSignatures(new Map([["s", signature(inputs, [good])]]));
    expect(batched.get("s")).toEqual({ unbatchedInputs: ["w"] });
  });
});
