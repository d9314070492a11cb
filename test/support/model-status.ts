import { rest } from "./rest.ts";

/** One version in an answer about a model's state. */
export interface VersionState {
  readonly version: string;
  readonly state: string;
  readonly status: { readonly error_code: string; readonly error_message: string };
}

/** The states of a model's versions; empty for a model the server does not know. */
export async function modelStatus(url: string, model: string): Promise<readonly VersionState[]> {
  const { status, text } = await rest(`${url}/v1/models/${encodeURIComponent(model)}`);
  return status === 200 ? (JSON.parse(text) as { model_version_status: VersionState[] }).model_version_status : [];
}

/** As `1:END 2:AVAILABLE`. */
export async function states(url: string, model: string): Promise<string> {
  return (await modelStatus(url, model)).map(({ version, state }) => `${version}:${state}`).join(" ");
}
