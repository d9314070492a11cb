import type {
  DashboardSession,
  FiguresHistory,
  ModelHistory,
  VersionDetail,
} from "../../src/api/dashboard/dashboard-messages.ts";
import { isObject, type JsonObject, parseJson, printJson } from "./exact-json.ts";
import type { PredictRequest } from "./predict-request.ts";

/** An answer that was not what was asked for. */
export class CallFault extends Error {
  override readonly name = "CallFault";
  /** HTTP's; 0 where there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An answer with its time. */
export interface TimedAnswer {
  readonly status: number;
  readonly text: string;
  /** From the request to the last byte of its answer, in milliseconds. */
  readonly ms: number;
}

/** Which program to generate. */
export interface ClientWanted {
  readonly model: string;
  /** Absent for the latest. */
  readonly version?: string;
  /** Absent for the default one. */
  readonly signature?: string;
  readonly language: string;
  readonly protocol: "rest" | "grpc";
  /** The body of the predict call that it sends; absent for the model's example. */
  readonly body?: string;
}

/** A generated program. */
export interface ClientText {
  readonly text: string;
  readonly fileName: string;
}

/** A model's config as the admin API gives it. */
export interface TaggedConfig {
  readonly config: JsonObject;
  readonly etag: string;
}

const encode = encodeURIComponent;

/** Paths are relative to the page, which may lie below any prefix. */
export const paths = {
  events: "api/events",
  metrics: "../metrics",
  openApi: "../openapi.json",
  predict: (model: string, version?: string) =>
    `../v1/models/${encode(model)}${version === undefined ? "" : `/versions/${version}`}:predict`,
  client: ({ model, version, signature, language, protocol }: ClientWanted) => {
    const query = new URLSearchParams({ language, protocol });
    if (version !== undefined) query.set("version", version);
    if (signature !== undefined) query.set("signature_name", signature);
    return `../v1/models/${encode(model)}/gen_client?${query}`;
  },
  config: (model: string) => `../v1/config/models/${encode(model)}`,
} as const;

/** The address of a path relative to the page, for use elsewhere. */
export function absolute(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** Who looks, and what they may do. @throws CallFault */
export function getSession(): Promise<DashboardSession> {
  return getJson("api/session");
}

/** Figures of the last minutes. @throws CallFault */
export function getFigures(): Promise<FiguresHistory> {
  return getJson("api/figures");
}

/** What happened to a model's versions, latest first. @throws CallFault */
export function getHistory(model: string): Promise<ModelHistory> {
  return getJson(`api/models/${encode(model)}/history`);
}

/** How a version is called. @throws CallFault */
export function getVersion(model: string, version: string): Promise<VersionDetail> {
  return getJson(`api/models/${encode(model)}/versions/${version}`);
}

/** A text. @throws CallFault */
export async function getText(path: string): Promise<string> {
  return (await succeeded(await send(path))).text();
}

/** A generated program, with the name for its file. @throws CallFault */
export async function getClient(wanted: ClientWanted): Promise<ClientText> {
  const { body } = wanted;
  const init = body === undefined ? {} : { method: "POST", body, headers: JSON_TYPE };
  const response = await succeeded(await send(paths.client(wanted), init));
  const [, fileName] = /filename="([^"/\\\\]+)"/.exec(response.headers.get("content-disposition") ?? "") ?? [];
  return { text: await response.text(), fileName: fileName ?? `client-${wanted.language}.txt` };
}

/** Runs a model. A refusal is an answer like any other; only no answer at all is a fault. @throws CallFault */
export async function predict(path: string, request: PredictRequest): Promise<TimedAnswer> {
  const init = request.kind === "json" ? { body: request.body, headers: JSON_TYPE } : { body: multipart(request) };
  const started = performance.now();
  const response = await send(path, { method: "POST", ...init });
  const text = await response.text();
  return { status: response.status, text, ms: performance.now() - started };
}

/** A model's config. @throws CallFault */
export async function getConfig(model: string): Promise<TaggedConfig> {
  const response = await succeeded(await send(paths.config(model)));
  const config = parseJson(await response.text());
  if (!isObject(config)) throw new CallFault(0, "the server's answer is not a config");
  return { config, etag: response.headers.get("etag") ?? "*" };
}

/** Replaces a config that is still what it was. @throws CallFault */
export async function putConfig(model: string, config: JsonObject, etag: string): Promise<void> {
  const init = { method: "PUT", body: printJson(config), headers: { ...JSON_TYPE, "if-match": etag } };
  await succeeded(await send(paths.config(model), init));
}

/** Takes a model away whose config is still what it was. @throws CallFault */
export async function deleteModel(model: string, etag: string): Promise<void> {
  await succeeded(await send(paths.config(model), { method: "DELETE", headers: { ...JSON_TYPE, "if-match": etag } }));
}

const JSON_TYPE = { "content-type": "application/json" };

function multipart({ fields, files }: Extract<PredictRequest, { kind: "multipart" }>): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  for (const file of files) form.append("image", file, file.name);
  return form;
}

async function getJson<T>(path: string): Promise<T> {
  return (await succeeded(await send(path))).json() as Promise<T>;
}

let tellRefusal: (status: 401 | 403) => void = () => {};

/** Has a listener told of every answer that says that who looks is not known, or may not have what was asked for. */
export function onRefusal(listener: (status: 401 | 403) => void): void {
  tellRefusal = listener;
}

async function send(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, { cache: "no-store", ...init }).catch(() => {
    throw new CallFault(0, "the server does not answer");
  });
  const { status } = response;
  if (status === 401 || status === 403) tellRefusal(status);
  return response;
}

async function succeeded(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new CallFault(response.status, errorOf(await response.text()) || response.statusText);
}

/** The message of an answer that tells of a fault, whatever its form. */
export function errorOf(text: string): string {
  try {
    const answer = parseJson(text);
    const error = isObject(answer) ? answer.get("error") : undefined;
    return typeof error === "string" ? error : text;
  } catch {
    return text;
  }
}
