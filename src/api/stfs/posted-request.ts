import { ServingError } from "../../base/serving-error.ts";
import { entriesOf, parseJson, printJson } from "../../clients/json-tree.ts";
import { DEFAULT_SIGNATURE } from "../../tensor/signature.ts";

/** A request that somebody wants to have as a program. */
export interface PostedRequest {
  readonly signatureName: string;
  /** The body of a REST predict call, as JSON of printable ASCII. */
  readonly text: string;
}

/** Longest body that a program is written of, in bytes: a program in which deep lists are laid out may be a hundred times as long. */
const LONGEST = 65_536;

/**
 * Reads the body of a REST predict call, which asks for `asked` where it names no signature; an empty name is none.
 * @throws ServingError invalid-argument for what is no such body, is longer than 64 KiB or nested deeper than 64, and for two signatures.
 */
export function readPosted(body: Uint8Array, asked: string): PostedRequest {
  if (body.length > LONGEST) {
    throw new ServingError(
      "invalid-argument",
      `the request has ${body.length} bytes, a program is written of ${LONGEST} at most: read a longer one from a file`,
    );
  }
  const request = parseJson(decode(body));
  const members = entriesOf(request);
  if (request.kind !== "object" || (!members.has("inputs") && !members.has("instances"))) {
    throw new ServingError("invalid-argument", "expected the body of a predict call, an object with inputs or instances");
  }
  const named = members.get("signature_name");
  if (named !== undefined && named.kind !== "string") {
    throw new ServingError("invalid-argument", "the request's signature_name must be a text");
  }
  const own = named?.value ?? "";
  if (own !== "" && asked !== "" && own !== asked) {
    const names = [own, asked].map((name) => JSON.stringify(name.slice(0, 100)));
    throw new ServingError("invalid-argument", `the request asks for the signature ${names[0]}, the query for ${names[1]}`);
  }
  const signatureName = own || asked || DEFAULT_SIGNATURE;
  if (own !== "" || signatureName === DEFAULT_SIGNATURE) return { signatureName, text: printJson(request) };
  const others = request.entries.filter(([name]) => name !== "signature_name");
  const chosen = ["signature_name", { kind: "string", value: signatureName }] as const;
  return { signatureName, text: printJson({ kind: "object", entries: [chosen, ...others] }) };
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the request is not UTF-8", { cause });
  }
}
