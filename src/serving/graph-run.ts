import { ServingError } from "../base/serving-error.ts";
import type { SessionRunRequest } from "../codec/session-run-message.ts";
import type { Signature, Signatures, TensorInfo } from "../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { parseTensor } from "./parse-tensor.ts";

/** What of a graph is to be run, in the engine's names. */
export interface GraphRun {
  readonly feeds: NamedTensors;
  /** In the request's order. */
  readonly fetches: readonly string[];
}

/**
 * Reads the feeds of a session run, and looks its names up in the signature where they are aliases.
 * @throws ServingError invalid-argument for a tensor that is fed twice or cannot be read, or an alias that the signature does not have;
 * failed-precondition for an unknown signature.
 */
export function graphRun(request: SessionRunRequest, signatureName: string, signatures: Signatures): GraphRun {
  const aliases = request.namesAreAliases ? aliasesOf(signatureName, signatures) : undefined;
  const feeds = new Map<string, Tensor>();
  for (const { name, tensor } of request.feeds) {
    const endpoint = aliases === undefined ? name : endpointOf(signatureName, "input", aliases.inputs, name);
    if (feeds.has(endpoint)) throw new ServingError("invalid-argument", `Endpoint "${endpoint}" fed more than once.`);
    feeds.set(endpoint, parseTensor(name, tensor, request.budget));
  }
  const fetches =
    aliases === undefined
      ? request.fetches
      : request.fetches.map((name) => endpointOf(signatureName, "output", aliases.outputs, name));
  return { feeds, fetches };
}

function aliasesOf(name: string, signatures: Signatures): Signature {
  const signature = signatures.get(name);
  if (signature === undefined) throw new ServingError("failed-precondition", `Serving signature key "${name}" not found.`);
  return signature;
}

function endpointOf(signature: string, side: "input" | "output", infos: readonly TensorInfo[], alias: string): string {
  const info = infos.find((candidate) => candidate.alias === alias);
  if (info !== undefined) return info.name;
  const known = infos.map((candidate) => candidate.alias).join(", ");
  throw new ServingError("invalid-argument", `signature "${signature}" has no ${side} "${alias}" (it has: ${known})`);
}
