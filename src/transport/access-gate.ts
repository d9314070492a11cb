import type { ServingError } from "../base/serving-error.ts";
import type { HttpRequest, Principal, WholeResponse } from "./http-exchange.ts";

/** What is known of the other end of a connection. */
export interface Peer {
  /** The address that the connection comes from; undefined for a Unix socket, and where no gate asks for it. */
  readonly address: string | undefined;
  /** Whether what it sends comes over TLS. */
  readonly secure: boolean;
}

/** What a gate is shown of a request: its head. */
export interface AskedHead extends Pick<HttpRequest, "method" | "target" | "header"> {
  readonly peer: Peer;
}

/** A gate's answer: the request may go on, as this caller's where there is one, or is answered with the refusal. */
export type Admission<Refusal> =
  | { readonly principal: Principal | undefined; readonly refusal?: undefined }
  | { readonly refusal: Refusal };

/**
 * Decides by its head alone whether a request is served. Asked once for each, before anything is routed, and before the body is
 * taken unless it came together with the head. Must not throw or reject.
 */
export interface AccessGate {
  http(head: AskedHead): Admission<WholeResponse> | Promise<Admission<WholeResponse>>;
  /** For a gRPC call, whose path is the target and whose metadata the headers are. */
  grpc(head: AskedHead): Admission<ServingError> | Promise<Admission<ServingError>>;
}

/** What is admitted where no gate is. */
export const ADMITTED: Admission<never> = { principal: undefined };

/** What is known of a socket's other end; the address is asked for only where somebody wants to know it. */
export function peerOf(
  socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean },
  wanted: boolean,
): Peer {
  return { address: wanted ? socket.remoteAddress : undefined, secure: socket.encrypted === true };
}
