import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

function linear(call: AtenCall): GraphValue {
  const weight = call.tensor("weight");
  const bias = call.optionalTensor("bias");
  const input = call.tensor("input");
  if (call.rank("weight") !== 2) {
    const product = call.add("MatMul", [input, call.unsqueeze(weight, 1)]);
    return call.squeeze(product, -1);
  }
  // Gemm takes the weights as they lie.
  if (call.rank("input") === 2) return call.add("Gemm", [input, weight, bias], { transB: 1 });
  const product = call.add("MatMul", [input, call.transpose(weight, [1, 0])]);
  return bias === undefined ? product : call.add("Add", [product, bias]);
}

function product(first: string, second: string): (call: AtenCall) => GraphValue {
  return (call) => call.add("MatMul", [call.tensor(first), call.tensor(second)]);
}

/** `beta * self + alpha * (first @ second)`. */
function added(first: string, second: string): (call: AtenCall) => GraphValue {
  return (call) => {
    const { dtype } = call;
    const times = (value: GraphValue, factor: number) =>
      factor === 1 ? value : call.add("Mul", [value, call.scalar(factor, dtype)]);
    const all = times(call.add("MatMul", [call.tensor(first), call.tensor(second)]), call.number("alpha", 1));
    const beta = call.number("beta", 1);
    const self = call.tensor("self");
    return beta === 0 ? all : call.add("Add", [all, times(self, beta)]);
  };
}

function einsum(call: AtenCall): GraphValue {
  call.ignore("path");
  const equation = call.text("equation").replaceAll(" ", "");
  if (!/^[A-Za-z.,]+(?:->[A-Za-z.]*)?$/.test(equation)) throw call.refuse(`equation "${equation.slice(0, 64)}" is not covered`);
  return call.add("Einsum", call.tensors("tensors"), { equation });
}

function bilinear(call: AtenCall): GraphValue {
  const product = call.add("Einsum", [call.tensor("input1"), call.tensor("weight"), call.tensor("input2")], {
    equation: "...i,oij,...j->...o",
  });
  const bias = call.optionalTensor("bias");
  return bias === undefined ? product : call.add("Add", [product, bias]);
}

function outer(call: AtenCall): GraphValue {
  const { dtype } = call;
  return call.add("Mul", [call.unsqueeze(call.operand("self", dtype), 1), call.unsqueeze(call.operand("vec2", dtype), 0)]);
}

/** Products of matrices. */
export const LINEAR: readonly OperatorEntry[] = [
  operator("linear", linear),
  operator("matmul", product("self", "other")),
  operator("mm bmm", product("self", "mat2")),
  operator("mv", product("self", "vec")),
  operator("dot", product("self", "tensor")),
  operator("addmm", added("mat1", "mat2")),
  operator("baddbmm", added("batch1", "batch2")),
  operator("einsum", einsum),
  operator("bilinear", bilinear),
  operator("outer", outer),
];
