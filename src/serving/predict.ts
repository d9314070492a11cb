import { ServingError } from "../base/serving-error.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";

/**
 * Checks the names of a request's inputs against the signature, with TensorFlow Serving's texts.
 * @throws ServingError invalid-argument when one is missing that has no default, or one is not declared.
 */
export function checkInputNames(signature: Signature, given: ReadonlyMap<string, unknown>): void {
  let known = 0;
  let absent = false;
  for (const input of signature.inputs) {
    // A signature may have a thousand columns, which may all be left out.
    if (input.columnOf !== undefined && known === given.size) continue;
    if (given.has(input.alias)) known++;
    else if (!input.optional) absent = true;
  }
  if (!absent && known === given.size) return;
  const declared = new Set(signature.inputs.flatMap((input) => (isShown(input, given) ? input.alias : [])));
  const extra = [...given.keys()].filter((alias) => !declared.has(alias)).sort();
  const missing = signature.inputs
    .filter((input) => !input.optional && !given.has(input.alias))
    .map((input) => input.alias)
    .sort();
  const hasDefaults = signature.inputs.some((input) => input.optional);
  if (missing.length > 0 && (given.size === declared.size || (hasDefaults && given.size < declared.size))) {
    const name = signature.inputs.find((input) => input.alias === missing[0])!.name;
    const defaults = signature.inputs.filter((input) => input.optional && isShown(input, given)).map((input) => input.alias);
    throw new ServingError(
      "invalid-argument",
      `Signature input alias: ${missing[0]}(feed name: ${name}) not found in request and no default value provided. ` +
        `Inputs expected to be in the request {${[...declared].sort().join(",")}}, or default input alias set: {${defaults.sort().join(",")}}`,
    );
  }
  throw new ServingError(
    "invalid-argument",
    `input size does not match signature: ${given.size}!=${declared.size} len({${[...given.keys()].sort().join(",")}}) != ` +
      `len({${[...declared].sort().join(",")}}). Sent extra: {${extra.join(",")}}. Missing but required: {${missing.join(",")}}.`,
  );
}

/** Whether messages list an input: columns of a matrix only where the request has them. */
function isShown({ alias, columnOf }: TensorInfo, given: ReadonlyMap<string, unknown>): boolean {
  return columnOf === undefined || given.has(alias);
}

/**
 * The outputs a request wants, in its order; all of the signature's when it names none, which are none yet where they are open.
 * @throws ServingError invalid-argument for an unknown or repeated one.
 */
export function wantedOutputs(signature: Signature, filter: readonly string[]): readonly string[] {
  const all = signature.outputs.map((output) => output.alias);
  if (filter.length === 0) return all;
  const seen = new Set<string>();
  for (const alias of filter) {
    if (!all.includes(alias) && signature.openOutputs !== true) {
      const expected = [...all].sort().join(",");
      throw new ServingError(
        "invalid-argument",
        `output tensor alias not found in signature: ${alias} Outputs expected to be in the set {${expected}}.`,
      );
    }
    if (seen.has(alias)) throw new ServingError("invalid-argument", `duplicate output tensor alias: ${alias}`);
    seen.add(alias);
  }
  return filter;
}
