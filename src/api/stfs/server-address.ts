import type { HttpRequest } from "../../transport/http-exchange.ts";

/** How the caller of a request reached the server. */
export interface ServerAddress {
  /** Scheme, host, port and prefix, without a slash at the end. */
  readonly url: string;
  /** Host and port. */
  readonly authority: string;
  readonly secure: boolean;
}

const AUTHORITY = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]{1,100}){1,10}\/?$/;
const UNKNOWN = "127.0.0.1:8501";

/**
 * The server's address by the request's `host`; a reverse proxy's `x-forwarded-host`, `x-forwarded-proto` and `x-forwarded-prefix` go
 * before. What is no host, scheme or plain path is passed over. Whoever asks decides what these say: it is fit for an answer to the same
 * caller, and for nothing else.
 */
export function serverAddress(request: HttpRequest): ServerAddress {
  const authority = [first(request, "x-forwarded-host"), request.header("host")].find((host) => AUTHORITY.test(host ?? ""));
  const scheme = first(request, "x-forwarded-proto")?.toLowerCase();
  const secure = scheme === "https" || (scheme !== "http" && request.secure === true);
  const prefix = first(request, "x-forwarded-prefix") ?? "";
  const path = PREFIX.test(prefix) ? prefix.replace(/\/$/, "") : "";
  return { url: `${secure ? "https" : "http"}://${authority ?? UNKNOWN}${path}`, authority: authority ?? UNKNOWN, secure };
}

/** What the proxy nearest to the caller has said. */
function first(request: HttpRequest, name: string): string | undefined {
  return request.header(name)?.split(",", 1)[0]?.trim();
}
