import { ServingError } from "../../base/serving-error.ts";
import { percentDecoded } from "../percent-decoded.ts";

/** What a `/v1/` path asks for. */
export type RestRoute =
  | {
      readonly kind: "predict" | "classify" | "regress";
      readonly model: string;
      readonly version?: bigint;
      readonly label?: string;
    }
  | { readonly kind: "status" | "metadata"; readonly model: string; readonly version?: bigint; readonly label?: string };

const POST = /^\/v1\/models\/([^/:]+)(?:(?:\/versions\/(\d+))|(?:\/labels\/([^/:]+)))?:(classify|regress|predict)$/i;
const GET = /^\/v1\/models(?:\/([^/:]+))?(?:(?:\/versions\/(\d+))|(?:\/labels\/([^/:]+)))?(?:\/(metadata))?$/i;
const LARGEST_VERSION = 2n ** 63n - 1n;

/** Targets remembered: callers send few different ones, and matching costs more than looking one up. */
const REMEMBERED = 1024;

/** Parses request targets and remembers the last that were good. */
export class RouteTable {
  readonly #posts = new Map<string, RestRoute>();

  /**
   * The route of a request target, its query left aside.
   * @throws ServingError as {@link parseRoute} does.
   */
  find(method: string, target: string): RestRoute {
    const known = method === "POST" ? this.#posts.get(target) : undefined;
    if (known !== undefined) return known;
    const query = target.indexOf("?");
    const route = parseRoute(method, query < 0 ? target : target.slice(0, query));
    if (method === "POST") {
      if (this.#posts.size === REMEMBERED) this.#posts.clear();
      this.#posts.set(target, route);
    }
    return route;
  }
}

/**
 * Parses a path (without its query) by TensorFlow Serving's grammar. Model names and labels are percent-decoded after
 * matching, so that they may hold `/` and `:`.
 * @throws ServingError invalid-argument, with the peer's texts.
 */
export function parseRoute(method: string, path: string): RestRoute {
  if (method === "POST") {
    const match = POST.exec(path);
    const verb = match?.[4];
    if (match && (verb === "predict" || verb === "classify" || verb === "regress"))
      return { kind: verb, ...target(match[1], match[2], match[3]) };
  } else if (method === "GET" || method === "HEAD") {
    const match = GET.exec(path);
    if (match) {
      if (match[1] === undefined) throw new ServingError("invalid-argument", "Missing model name in request.");
      return { kind: match[4] ? "metadata" : "status", ...target(match[1], match[2], match[3]) };
    }
  }
  throw new ServingError("invalid-argument", `Malformed request: ${method} ${path}`);
}

function target(model: string, version: string | undefined, label: string | undefined) {
  return {
    model: percentDecoded(model),
    ...(version !== undefined && { version: parseVersion(version) }),
    ...(label !== undefined && { label: percentDecoded(label) }),
  };
}

function parseVersion(text: string): bigint {
  // Leading zeros are no part of the size check: a name as long as the URL limit must not become a huge BigInt.
  const digits = text.replace(/^0+(?=\d)/, "");
  const version = digits.length <= 19 ? BigInt(digits) : LARGEST_VERSION + 1n;
  if (version > LARGEST_VERSION) throw new ServingError("invalid-argument", `Failed to convert version: ${text} to numeric.`);
  return version;
}
