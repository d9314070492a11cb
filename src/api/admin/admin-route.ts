import { ServingError } from "../../base/serving-error.ts";
import { percentDecoded } from "../percent-decoded.ts";

/** What a path below `/v1/config` names; undefined `model` for all models. */
export interface AdminRoute {
  readonly model: string | undefined;
  readonly wait: boolean;
  readonly write: boolean;
}

const PATH = /^\/v1\/config(?:\/models\/([^/:]+))?\/?$/i;
const FLAGS = new Set(["wait", "write"]);

/** Whether a target that begins with `/v1/` is the admin API's; models are below `/v1/models`. */
export function isAdminTarget(target: string): boolean {
  const c = target.charCodeAt(4) | 0x20;
  return c === 0x63 && /^\/v1\/config(?:[/?]|$)/i.test(target);
}

/**
 * Parses a target of the admin API. Model names are percent-decoded after matching, as in the other routes.
 * @throws ServingError not-found for another path, invalid-argument for a parameter that is not known or not true or false.
 */
export function parseAdminTarget(target: string): AdminRoute {
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const match = PATH.exec(path);
  if (match === null) {
    throw new ServingError("not-found", `nothing is served at ${path}; configs are at /v1/config and /v1/config/models/NAME`);
  }
  const chosen = { wait: false, write: false };
  for (const [name, value] of new URLSearchParams(at < 0 ? "" : target.slice(at + 1))) {
    if (!FLAGS.has(name)) throw new ServingError("invalid-argument", `parameter "${name}" is not known (known: wait, write)`);
    if (value !== "true" && value !== "false") {
      throw new ServingError("invalid-argument", `parameter "${name}" must be true or false, got ${JSON.stringify(value)}`);
    }
    chosen[name as "wait" | "write"] = value === "true";
  }
  return { model: match[1] === undefined ? undefined : percentDecoded(match[1]), ...chosen };
}
