import { ServingError } from "../base/serving-error.ts";
import { DEFAULT_SIGNATURE, type Signature } from "../tensor/signature.ts";
import type { ClientAuthentication, ClientProtocol, ClientTarget } from "./client-target.ts";
import { MOST_DIFFERENT_VALUES } from "./example-request.ts";
import { entriesOf, foldFilled, type JsonTree, parseJson } from "./json-tree.ts";

/** What a program is written from. Nothing in it but {@link body} and {@link signature} holds a character that needs an escape. */
export interface ClientProgram {
  /** Of REST: scheme, host, port and prefix, percent-encoded. */
  readonly url: string;
  /** Whether the server of that URL speaks TLS: then programs can be told its certificate authority. */
  readonly tls: boolean;
  /** `/v1/models/digits:predict`, percent-encoded. */
  readonly path: string;
  /** Host and port of gRPC. */
  readonly grpcAddress: string;
  readonly grpcTls: boolean;
  readonly authentication: ClientAuthentication;
  readonly model: string;
  readonly version: bigint | undefined;
  readonly signatureName: string;
  readonly signature: Signature;
  /** The request's body, with long lists of one value folded. */
  readonly body: JsonTree;
  /** What the answer holds the outputs under. */
  readonly answerKey: "outputs" | "predictions";
}

/** A language that programs are written in. */
export interface ClientLanguage {
  /** `python`. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** `Python`, for people. */
  readonly title: string;
  readonly fileName: string;
  readonly mediaType: string;
  /** Writes the program, by protocol. */
  readonly write: Readonly<Partial<Record<ClientProtocol, (program: ClientProgram) => string>>>;
}

/** Host names, IPv4 addresses, IPv6 addresses in brackets, and a port. */
const ADDRESS = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** What the languages write from. Throws ServingError invalid-argument for a URL, address or example that is none. */
export function clientProgram(target: ClientTarget): ClientProgram {
  const { authentication, grpcAddress, grpcTls, model, signature, signatureName, version } = target;
  const url = URL.canParse(target.url) ? new URL(target.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !ADDRESS.test(url.host) || url.username || url.password) {
    throw new ServingError("invalid-argument", "the URL of the server must be like http://127.0.0.1:8501");
  }
  if (!ADDRESS.test(grpcAddress)) {
    throw new ServingError("invalid-argument", "the gRPC address of the server must be like 127.0.0.1:8500");
  }
  const body = foldFilled(parseJson(target.example), MOST_DIFFERENT_VALUES);
  const prefix = url.pathname.replace(/[^A-Za-z0-9/._~%-]/g, percentCode).replace(/\/+$/, "");
  const versionPart = version === undefined ? "" : `/versions/${version}`;
  return {
    url: `${url.protocol}//${url.host}${prefix}`,
    tls: url.protocol === "https:",
    path: `/v1/models/${percentEncoded(model)}${versionPart}:predict`,
    grpcAddress,
    grpcTls,
    authentication,
    model,
    version,
    signatureName: signatureName || DEFAULT_SIGNATURE,
    signature,
    body,
    answerKey: entriesOf(body).has("instances") ? "predictions" : "outputs",
  };
}

/** Letters, digits, `-`, `_`, `.`, `~` and percent signs only: no language needs an escape for it. */
function percentEncoded(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/[!'()*]/g, percentCode);
}

function percentCode(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
