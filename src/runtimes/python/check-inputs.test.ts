import { expect, test } from "vitest";
import type { TensorInfo } from "../../tensor/signature.ts";
import { zeros } from "../../tensor/tensor.ts";
import { checkInputs } from "./check-inputs.ts";

const x: TensorInfo = { alias: "x", name: "x", dtype: "int64", shape: [-1, 3] };

test.each<[string, TensorInfo, ReturnType<typeof zeros>, string | undefined]>([
  ["what is declared", x, zeros("int64", [5, 3]), undefined],
  ["any shape of an unknown one", { ...x, shape: undefined }, zeros("int64", []), undefined],
  ["another type", x, zeros("float32", [5, 3]), 'input "x" expects int64 but float32 is provided'],
  ["another size", x, zeros("int64", [5, 4]), 'input "x" expects shape [-1,3] but [5,4] is provided'],
  ["another rank", x, zeros("int64", [3]), 'input "x" expects shape [-1,3] but [3] is provided'],
])("%s", (_what, declared, tensor, message) => {
  const check = () => checkInputs([declared], new Map([["x", tensor]]));
  if (message === undefined) check();
  else expect(check).toThrow(message);
});

test("an input that is left out is not looked at", () => {
  checkInputs([x], new Map());
});
