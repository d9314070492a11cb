import { ServingError } from "../../base/serving-error.ts";
import { exampleRequest } from "../../clients/example-request.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { shownInputs } from "../../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type Signature, type TensorInfo } from "../../tensor/signature.ts";
import type { SignatureDetail, TensorDetail, VersionDetail } from "./dashboard-messages.ts";

/**
 * How a served version is called.
 * @throws ServingError not-found when it is not served.
 */
export function versionDetail(table: ServingTable, model: string, version: bigint): VersionDetail {
  const handle = table.servables.acquire(model, version);
  if (handle === undefined) throw new ServingError("not-found", `version ${version} of model ${model} is not served`);
  try {
    const { signatures } = handle.servable;
    return {
      signatures: [...signatures].map(([name, signature]) => signatureDetail(name, signature)),
      example: example(signatures, table.about(handle.id)?.example),
    };
  } finally {
    handle.release();
  }
}

/** Of a model that JSON cannot call, or that has too many values to show, only the form. */
function example(signatures: ReadonlyMap<string, Signature>, known: string | undefined): string {
  const [name, signature] = [...signatures].find(([each]) => each === DEFAULT_SIGNATURE) ?? [...signatures][0] ?? [];
  if (name === undefined || signature === undefined) return known ?? '{"inputs": {}}';
  try {
    return known ?? exampleRequest(name, signature);
  } catch (reason) {
    if (reason instanceof ServingError) return '{"inputs": {}}';
    throw reason;
  }
}

function signatureDetail(name: string, { methodName, uncallable, rowwise, inputs, outputs }: Signature): SignatureDetail {
  return {
    name,
    methodName,
    ...(uncallable !== undefined && { uncallable }),
    ...(rowwise && { rowwise }),
    inputs: shownInputs(inputs).map(tensorDetail),
    outputs: outputs.map(tensorDetail),
  };
}

function tensorDetail({ alias, dtype, shape, dimensionNames, optional, nullable }: TensorInfo): TensorDetail {
  return {
    alias,
    dtype,
    ...(shape !== undefined && { shape }),
    ...(dimensionNames?.some((each) => each !== "") && { dimensionNames }),
    ...(optional && { optional }),
    ...(nullable && { nullable }),
  };
}
