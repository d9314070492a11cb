import { ServingError } from "../../base/serving-error.ts";
import type { ClientAuthentication, ClientProtocol } from "../../clients/client-target.ts";
import { versionOf } from "../../codec/json/stfs-document.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { withServable } from "../../serving/with-servable.ts";
import { DEFAULT_SIGNATURE, type Signature } from "../../tensor/signature.ts";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { type PostedRequest, readPosted } from "./posted-request.ts";
import { serverAddress } from "./server-address.ts";
import { shortened } from "./shortened.ts";

/** What examples and clients are made of. */
export interface ClientServices {
  readonly table: ServingTable;
  /** The port that speaks gRPC, and whether over TLS; absent where every port speaks everything alike. */
  readonly grpc?: { readonly port: number; readonly tls: boolean };
}

/** An answer to be shown or saved. */
interface TextAnswer {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** A signature of a model and a request that it answers. */
interface Example {
  readonly signatureName: string;
  readonly signature: Signature;
  /** The body of a REST predict call. */
  readonly request: string;
}

/** Simple TensorFlow Serving's names of languages that have another one here. */
const LANGUAGES: ReadonlyMap<string, string> = new Map([["golang", "go"]]);

const encoder = new TextEncoder();

/** `{"data": ...}`, a body for `POST /`. Rejects with not-found for a model that is not served, invalid-argument for a signature it lacks. */
export async function exampleAnswer({ table }: ClientServices, model: string, query: URLSearchParams): Promise<TextAnswer> {
  const { request } = await findExample(table, model, query);
  const { exampleData } = await import("./example-data.ts");
  return { headers: [["content-type", "application/json"]], body: encoder.encode(`${exampleData(request)}\n`) };
}

/**
 * A program that asks the model, in the query's `language` (bash where it has none) and `protocol` (rest): what is posted, or an example.
 * Rejects as {@link exampleAnswer} does, and with invalid-argument for a language or protocol that there is none in, and for what is
 * posted and is no request.
 */
export async function clientAnswer(
  services: ClientServices,
  request: HttpRequest,
  model: string,
  query: URLSearchParams,
): Promise<TextAnswer> {
  const asked = query.get("language") || "bash";
  const posted = request.method === "POST" ? readPosted(request.body, query.get("signature_name") ?? "") : undefined;
  if (asked === "json" && posted === undefined) return await exampleAnswer(services, model, query);
  const example = await findExample(services.table, model, query, posted);
  const { url, authority, secure } = serverAddress(request);
  const { grpc } = services;
  const { generateClient } = await import("../../clients/generate-client.ts");
  const { version } = askedVersion(query);
  const { fileName, mediaType, text } = generateClient(LANGUAGES.get(asked) ?? shortened(asked), protocolOf(query), {
    url,
    grpcAddress: grpc === undefined ? authority : `${authority.replace(/:\d+$/, "")}:${grpc.port}`,
    grpcTls: grpc?.tls ?? secure,
    authentication: authenticationOf(request),
    model,
    ...(version !== undefined && { version }),
    signatureName: example.signatureName,
    signature: example.signature,
    example: example.request,
  });
  return {
    headers: [
      ["content-type", `${mediaType}; charset=utf-8`],
      ["content-disposition", `inline; filename="${fileName}"`],
      // What it says depends on the headers of this request.
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
    ],
    body: encoder.encode(text),
  };
}

/** How this caller has said who they are, which is what they can do elsewhere. */
function authenticationOf(request: HttpRequest): ClientAuthentication {
  if (request.principal === undefined) return "none";
  return /^bearer /i.test(request.header("authorization") ?? "") ? "bearer" : "basic";
}

function protocolOf(query: URLSearchParams): ClientProtocol {
  const protocol = query.get("protocol") || "rest";
  if (protocol === "rest" || protocol === "grpc") return protocol;
  throw new ServingError("invalid-argument", `protocol must be rest or grpc, got ${JSON.stringify(protocol.slice(0, 40))}`);
}

/** A version's number alone: labels move. */
function askedVersion(query: URLSearchParams): { readonly version?: bigint } {
  const { version, label } = versionOf(query.get("version") ?? "");
  if (label !== undefined)
    throw new ServingError("invalid-argument", `version must be a number, got ${JSON.stringify(label.slice(0, 40))}`);
  return version === undefined ? {} : { version };
}

async function findExample(table: ServingTable, model: string, query: URLSearchParams, posted?: PostedRequest): Promise<Example> {
  const { exampleRequest } = await import("../../clients/example-request.ts");
  const { version } = askedVersion(query);
  return await withServable(table, { name: model, version, versionLabel: undefined, signatureName: "" }, ({ id, servable }) => {
    const callable = [...servable.signatures].filter(([, { uncallable }]) => uncallable === undefined);
    const named = posted?.signatureName ?? query.get("signature_name");
    const [signatureName, signature] =
      callable.find(([name]) => name === (named || DEFAULT_SIGNATURE)) ?? (named ? undefined : callable[0]) ?? [];
    if (signatureName === undefined || signature === undefined) {
      const known = callable.map(([name]) => name).join(", ");
      throw new ServingError(
        "invalid-argument",
        `model ${model} has no signature ${shortened(named ?? "")} to be called (known: ${known})`,
      );
    }
    const request = posted?.text ?? exampleRequest(signatureName, signature, table.about(id)?.example);
    return { signatureName, signature, request };
  });
}
