import { percentDecoded } from "../percent-decoded.ts";
import { shortened } from "./shortened.ts";

/** What a path of Simple TensorFlow Serving asks for; of a model what is known of it, an example or a client. */
export type StfsRoute =
  | { readonly kind: "models" }
  | { readonly kind: "detail" | "gen_json" | "gen_client"; readonly model: string; readonly query: URLSearchParams };

/** `/v1/models`, and of one model what Simple TensorFlow Serving has; its `/v1/models/NAME` is TensorFlow Serving's status here. */
const TARGET = /^\/v1\/models(?:\/([^/:?]+)\/(detail|gen_json|gen_client))?\/?(?:\?(.*))?$/is;

/** Whether a target below `/v1/` that is not posted to is Simple TensorFlow Serving's. */
export function isStfsTarget(target: string): boolean {
  return TARGET.test(target);
}

const PROGRAM = /^\/v1\/models\/[^/:?]+\/gen_client\/?(?:\?|$)/i;
const COLON = 0x3a;

/**
 * Whether a target below `/v1/` that is posted to asks for a program of what is posted; what most is posted to, `:predict` and
 * `:regress`, costs a look.
 */
export function isProgramTarget(target: string): boolean {
  return (target.charCodeAt(target.length - 8) !== COLON || target.includes("?")) && PROGRAM.test(target);
}

/**
 * The route of a target for which {@link isStfsTarget} or {@link isProgramTarget} holds. Model names are percent-decoded, so that they may hold `/` and `:`.
 * @throws ServingError invalid-argument for a malformed percent-encoding.
 */
export function parseStfsTarget(target: string): StfsRoute {
  const [, model, kind, query] = TARGET.exec(target) ?? [];
  if (model === undefined || kind === undefined) return { kind: "models" };
  return {
    kind: kind.toLowerCase() as "detail" | "gen_json" | "gen_client",
    model: percentDecoded(model, shortened(model)),
    query: new URLSearchParams(query ?? ""),
  };
}
