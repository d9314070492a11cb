import { ServingError } from "../../base/serving-error.ts";
import { statusName } from "../../base/status-code.ts";
import { dataTypeName, dataTypeNumber } from "../../codec/data-type.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { ownInputs, shownInputs } from "../../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type Signature, type Signatures, type TensorInfo } from "../../tensor/signature.ts";

/** What Simple TensorFlow Serving calls the platforms that it had too. */
const PLATFORMS: ReadonlyMap<string, string> = new Map([
  ["tensorflow", "TensorFlow"],
  ["onnx", "ONNX"],
  ["sklearn", "Scikit-learn"],
  ["xgboost", "XGBoost"],
]);

/** A JSON value. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * What is known of a model: Simple TensorFlow Serving's members about its latest version that is served, and under names of our own the
 * states of all, the labels and every signature. Versions are numbers, but for those above 2^53, which are texts. Of the base path the
 * last name alone.
 * @throws ServingError not-found for a model that was never seen.
 */
export function modelDetail(table: ServingTable, model: string): Json {
  const statuses = table.statuses(model);
  const served = table.servables.versions(model);
  const handle = table.servables.acquire(model);
  try {
    const signatures: Signatures = handle?.servable.signatures ?? new Map();
    const about = handle && table.about(handle.id);
    return {
      model_name: model,
      model_base_path: about?.folder ?? "",
      model_version_list: [...served].sort((a, b) => (a < b ? -1 : 1)).map(version),
      model_signature: shortSignature(signatures.get(DEFAULT_SIGNATURE) ?? [...signatures.values()][0]),
      platform: about === undefined ? "" : (PLATFORMS.get(about.platform) ?? about.platform),
      model_version_status: statuses.map(({ version: each, state, error }) => ({
        version: version(each),
        state,
        error_code: statusName(error?.code ?? "ok"),
        error_message: error?.message ?? "",
      })),
      labels: object([...table.labels(model)].map(([label, each]) => [label, version(each)])),
      signatures: object([...signatures].map(([name, signature]) => [name, wholeSignature(signature)])),
    };
  } finally {
    handle?.release();
  }
}

/** What is known of every model, in alphabetical order. */
export function modelDetails(table: ServingTable): Json {
  return table.models().flatMap((model) => {
    try {
      return [modelDetail(table, model)];
    } catch (reason) {
      // No version is known of it any more.
      if (reason instanceof ServingError && reason.code === "not-found") return [];
      throw reason;
    }
  });
}

/** Names that users choose become members all the same, `__proto__` too. */
function object(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries);
}

function version(number: bigint): Json {
  return number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : String(number);
}

function shortSignature(signature: Signature | undefined): Json {
  if (signature === undefined) return {};
  const part = ({ alias, dtype, shape }: TensorInfo): Json => ({
    name: alias,
    dtype: dataTypeNumber(dtype),
    shape: [...(shape ?? [])],
  });
  return { inputs: ownInputs(signature.inputs).map(part), outputs: signature.outputs.map(part) };
}

function wholeSignature({ inputs, outputs, methodName, uncallable }: Signature): Json {
  const part = ({ alias, dtype, shape, optional, nullable }: TensorInfo): Json => ({
    name: alias,
    dtype: dataTypeName(dtype),
    shape: shape === undefined ? null : [...shape],
    ...(optional === true && { optional }),
    ...(nullable === true && { nullable }),
  });
  return {
    method_name: methodName,
    inputs: shownInputs(inputs).map(part),
    outputs: outputs.map(part),
    ...(uncallable !== undefined && { uncallable }),
  };
}
