import type { ServerOptions } from "../config/server-options.ts";
import type { ModelRow } from "../control/load-reports.ts";
import type { ServerCore } from "../control/server-core.ts";
import type { BoundEndpoint } from "../transport/listener.ts";
import type { ServerEndpoint, ServerEndpoints } from "./endpoints.ts";
import { modelTable, type TableRow } from "./model-table.ts";
import { sampleRequest } from "./sample-request.ts";
import { version } from "./version.ts";

/** What a person wants to know once a server is up: its models, its addresses, and one line to try it with. */
export async function banner(
  core: ServerCore,
  endpoints: ServerEndpoints,
  { host, tls, dashboard }: ServerOptions,
  metricsPath: string | undefined,
): Promise<string> {
  const rows = core.rows();
  const lines = [`modelport ${version()}`, "", modelTable(rows.map(tableRow)), ""];
  const address = (endpoint: BoundEndpoint) => `${reachable(host)}:${endpoint.port}`;
  if (endpoints.grpc) lines.push(`  gRPC     ${address(endpoints.grpc)}${endpoints.grpc.tls ? " (TLS)" : ""}`);
  if (endpoints.socket) lines.push(`  gRPC     unix:${endpoints.socket.path}`);
  if (endpoints.restSocket) lines.push(`  REST     unix:${endpoints.restSocket.path}`);
  const rest = endpoints.rest ?? endpoints.grpc;
  if (rest === undefined) return `${lines.join("\n")}\n`;
  const url = `${rest.tls ? "https" : "http"}://${address(rest)}`;
  lines.push(`  REST     ${url}/v1/models/NAME`);
  if (metricsPath !== undefined) lines.push(`  metrics  ${url}${metricsPath}`);
  lines.push(`  health   ${url}/readyz`);
  if (dashboard) lines.push(`  browser  ${url}/dashboard/`);
  const line = await firstSample(core, rows, curlLine(rest, tls), url);
  if (line !== undefined) lines.push("", "Try it:", "", `  ${line}`);
  return `${lines.join("\n")}\n`;
}

/** `curl` with what it needs to reach an endpoint; only the caller has the certificate that may be asked for. */
function curlLine({ tls: secured }: ServerEndpoint, tls: ServerOptions["tls"]): string {
  if (!secured) return "curl -s";
  const asked = tls?.kind === "files" && tls.clientCaFile !== undefined && tls.clientCertificate === "require";
  return asked ? "curl -sk --cert client.pem --key client-key.pem" : "curl -sk";
}

async function firstSample(core: ServerCore, rows: readonly ModelRow[], curl: string, url: string): Promise<string | undefined> {
  for (const { name, state, load } of rows) {
    const basePath = core.models.find((model) => model.name === name)?.basePath;
    if (state !== "AVAILABLE" || load?.model === undefined || basePath === undefined) continue;
    const line = await sampleRequest(url, name, basePath, load.model.signatures, curl);
    if (line !== undefined) return line;
  }
  return undefined;
}

function tableRow({ name, version: number, state, error, load }: ModelRow): TableRow {
  return {
    model: name,
    version: String(number),
    platform: load?.platform ?? "-",
    why: load?.why ?? "-",
    state,
    signatures: load?.model?.signatures ?? new Map(),
    ...(error && { error: error.message }),
  };
}

/** An address that works on this machine for a server that listens on all of its addresses. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
