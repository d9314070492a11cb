import type { SignatureDef, TensorInfo as TensorInfoMessage } from "../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import type { DType } from "../tensor/dtype.ts";
import type { TensorInfo } from "../tensor/signature.ts";
import { dtypeOfNumber } from "./data-type.ts";

/** For tests: what is served of a signature, read plainly from the generated code's message. */
export function plainSignature({ inputs, outputs, methodName, defaults }: SignatureDef) {
  const served = ([alias, info]: [string, TensorInfoMessage]) => plainTensor(alias, info, Object.hasOwn(defaults, alias));
  const declared = Object.entries(inputs).sort(byAlias);
  const outs = Object.entries(outputs).sort(byAlias);
  return {
    methodName,
    inputs: declared.flatMap(served),
    outputs: outs.flatMap(([alias, info]) => plainTensor(alias, info, false)),
    callable: declared.every((entry) => served(entry).length === 1) && outs.some((entry) => served(entry).length === 1),
    defaults: Object.keys(defaults)
      .filter((alias) => Object.hasOwn(inputs, alias))
      .sort(),
  };
}

function plainTensor(alias: string, { encoding, dtype, tensorShape }: TensorInfoMessage, optional: boolean): TensorInfo[] {
  const type: DType | undefined = dtypeOfNumber(dtype > 100 ? dtype - 100 : dtype);
  if (encoding.case !== "name" || encoding.value === "" || type === undefined) return [];
  const known = tensorShape !== undefined && !tensorShape.unknownRank;
  const names = known ? tensorShape.dim.map(({ name }) => name) : [];
  return [
    {
      alias,
      name: encoding.value,
      dtype: type,
      shape: known ? tensorShape.dim.map(({ size }) => (size < 0n || size >= 2n ** 53n ? -1 : Number(size))) : undefined,
      ...(names.join("") !== "" && { dimensionNames: names }),
      ...(optional && { optional }),
    },
  ];
}

function byAlias([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
