import { ServingError } from "../../base/serving-error.ts";

/** What a path of the dashboard asks for. */
export type DashboardRoute =
  /** `location` is relative to the path, so that it holds behind any prefix. */
  | { readonly kind: "redirect"; readonly location: string }
  /** `name` is no path yet: it is looked up among the files that are there. */
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "session" | "state" | "figures" | "events" }
  | { readonly kind: "history"; readonly model: string }
  | { readonly kind: "version"; readonly model: string; readonly version: bigint };

/** The page, and where the pages of Simple TensorFlow Serving have gone. */
const REDIRECTIONS: ReadonlyMap<string, string> = new Map([
  ["/", "dashboard/"],
  ["/dashboard", "dashboard/"],
  ["/json_inference", "dashboard/#/"],
  ["/image_inference", "dashboard/#/"],
  ["/generate_clients", "dashboard/#/clients"],
]);

const ROOT = "/dashboard/";
const API = `${ROOT}api/`;
const PLAIN: ReadonlySet<string> = new Set(["session", "state", "figures", "events"]);
const MODEL = /^models\/([^/]+)\/(?:history|versions\/(\d{1,19}))$/;

/**
 * The route of a path, which is the target without its query. Model names are percent-decoded.
 * @throws ServingError not-found for a path below `/dashboard/api/` that is none of the API's.
 */
export function parseDashboardPath(path: string): DashboardRoute {
  const location = REDIRECTIONS.get(path);
  if (location !== undefined) return { kind: "redirect", location };
  if (!path.startsWith(API)) return { kind: "file", name: path === ROOT ? "index.html" : path.slice(ROOT.length) };
  const asked = path.slice(API.length);
  if (PLAIN.has(asked)) return { kind: asked as "session" };
  const [, encoded, version] = MODEL.exec(asked) ?? [];
  const model = encoded === undefined ? undefined : decoded(encoded);
  if (model === undefined) throw new ServingError("not-found", "the dashboard's API has no such path");
  return version === undefined ? { kind: "history", model } : { kind: "version", model, version: BigInt(version) };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
