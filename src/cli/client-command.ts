import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { ServingError } from "../base/serving-error.ts";
import type { ClientAuthentication } from "../clients/client-target.ts";
import { exampleRequest } from "../clients/example-request.ts";
import { CLIENT_LANGUAGES, generateClient } from "../clients/generate-client.ts";
import type { Environment } from "../config/server-options.ts";
import { DEFAULT_SIGNATURE, type Signature, type Signatures } from "../tensor/signature.ts";

/** What `modelport client` was asked to do. */
export interface ClientRequest {
  /** A model that a server serves, or the path of a model's file or folder. */
  readonly name: string | undefined;
  readonly language: string;
  readonly protocol: string;
  /** Of the server; absent for `http://127.0.0.1:8501`. */
  readonly url?: string;
  readonly signatureName?: string;
  /** The file to write; absent for standard output. */
  readonly output?: string;
  /** Print the languages instead. */
  readonly list?: boolean;
}

/** Where a server listens unless it is told otherwise. */
const URL_OF_REST = "http://127.0.0.1:8501";
const GRPC_PORT = 8500;

/** Longest wait for a server's answer, in milliseconds. */
const TIMEOUT_MS = 30_000;

/**
 * Prints or writes a program that asks a model. Of a path the model is loaded, as `inspect` does; of a name a running server is asked, with
 * the credentials in MODELPORT_USER and MODELPORT_PASSWORD, or MODELPORT_TOKEN. Resolves with the exit code.
 *
 * Rejects with a ServingError: invalid-argument for a request that cannot be, unavailable when no server answers.
 */
export async function clientCommand(
  request: ClientRequest,
  print: (text: string) => void,
  environment: Environment,
): Promise<number> {
  const { name, protocol, list, output } = request;
  if (list) {
    print(`${languageTable()}\n`);
    return 0;
  }
  if (name === undefined) {
    throw new ServingError("invalid-argument", "client takes the name of a served model, or the path of one, or --list");
  }
  if (protocol !== "rest" && protocol !== "grpc") {
    throw new ServingError("invalid-argument", `--protocol must be rest or grpc, got "${protocol}"`);
  }
  const text = await (isPath(name) ? fromFiles(name, protocol, request, environment) : fromServer(name, request, environment));
  if (output === undefined) print(text);
  else await write(output, text);
  return 0;
}

/** A table with one line per language. */
export function languageTable(): string {
  const rows = [
    ["LANGUAGE", "PROTOCOLS", "ALSO NAMED"],
    ...CLIENT_LANGUAGES.map(({ name, protocols, aliases }) => [name, protocols.join(", "), aliases.join(", ")]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join("  ")}`.trimEnd()).join("\n");
}

/** A name has no slash, and no file is named so. */
function isPath(name: string): boolean {
  return /[\\/]/.test(name) || name === "." || (existsSync(name) && statSync(name).isFile());
}

async function fromFiles(
  path: string,
  protocol: "rest" | "grpc",
  { language, url = URL_OF_REST, signatureName }: ClientRequest,
  environment: Environment,
): Promise<string> {
  const address = serverUrl(url);
  const { loadModelAt } = await import("./loaded-model.ts");
  const { name, signatures, example } = await loadModelAt(path, environment);
  const [chosen, signature] = chooseSignature(name, signatures, signatureName);
  return generateClient(language, protocol, {
    url,
    grpcAddress: `${address.hostname}:${GRPC_PORT}`,
    grpcTls: address.protocol === "https:",
    authentication: authenticationOf(environment),
    model: name,
    signatureName: chosen,
    signature,
    example: exampleRequest(chosen, signature, example),
  }).text;
}

function chooseSignature(model: string, signatures: Signatures, asked: string | undefined): readonly [string, Signature] {
  const callable = [...signatures].filter(([, { uncallable }]) => uncallable === undefined);
  const found =
    callable.find(([name]) => name === (asked ?? DEFAULT_SIGNATURE)) ?? (asked === undefined ? callable[0] : undefined);
  if (found !== undefined) return found;
  const known = callable.map(([name]) => name).join(", ") || "none";
  throw new ServingError("invalid-argument", `${model} has no signature ${asked ?? ""} that can be called (there are: ${known})`);
}

async function fromServer(
  name: string,
  { language, protocol, url = URL_OF_REST, signatureName }: ClientRequest,
  environment: Environment,
): Promise<string> {
  const base = serverUrl(url).href.replace(/\/+$/, "");
  const query = new URLSearchParams({
    language,
    protocol,
    ...(signatureName !== undefined && { signature_name: signatureName }),
  });
  const response = await fetch(`${base}/v1/models/${encodeURIComponent(name)}/gen_client?${query.toString()}`, {
    headers: credentials(environment),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new ServingError("unavailable", `no server answers at ${base}, name one with --url`, { cause });
  });
  const text = await response.text();
  if (response.ok) return text;
  throw new ServingError(
    response.status < 500 ? "invalid-argument" : "unavailable",
    `the server at ${base} answers ${response.status}: ${errorOf(text)}`,
  );
}

function serverUrl(url: string): URL {
  if (URL.canParse(url) && /^https?:/.test(url)) return new URL(url);
  throw new ServingError("invalid-argument", `--url must be like ${URL_OF_REST}, got "${url}"`);
}

function authenticationOf({ MODELPORT_TOKEN: token, MODELPORT_USER: user }: Environment): ClientAuthentication {
  if (token) return "bearer";
  return user ? "basic" : "none";
}

function credentials(environment: Environment): Record<string, string> {
  const { MODELPORT_TOKEN: token = "", MODELPORT_USER: user = "", MODELPORT_PASSWORD: password = "" } = environment;
  switch (authenticationOf(environment)) {
    case "bearer":
      return { authorization: `Bearer ${token}` };
    case "basic":
      return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
    case "none":
      return {};
  }
}

function errorOf(text: string): string {
  try {
    return (JSON.parse(text) as { readonly error?: string }).error ?? text;
  } catch {
    return text.trim();
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ServingError("failed-precondition", `the file of --output cannot be written (${code ?? "unknown reason"})`, {
      cause,
    });
  }
}
