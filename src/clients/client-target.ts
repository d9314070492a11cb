import type { Signature } from "../tensor/signature.ts";

/** What a generated client speaks. */
export type ClientProtocol = "rest" | "grpc";

/** How callers of a server say who they are. */
export type ClientAuthentication = "none" | "basic" | "bearer";

/** What a client is generated for. */
export interface ClientTarget {
  /** Scheme, host, port and prefix of the server, without a slash at the end: `http://127.0.0.1:8501`. */
  readonly url: string;
  /** Host and port of gRPC: `127.0.0.1:8500`. */
  readonly grpcAddress: string;
  /** Whether gRPC is spoken over TLS; of REST the URL tells. */
  readonly grpcTls: boolean;
  readonly authentication: ClientAuthentication;
  readonly model: string;
  /** The version asked for; absent for the latest. */
  readonly version?: bigint;
  readonly signatureName: string;
  readonly signature: Signature;
  /** The body of a REST predict call that the program sends, as JSON. */
  readonly example: string;
}

/** A program in one file. */
export interface ClientSource {
  /** `client.py`. */
  readonly fileName: string;
  /** `text/x-python`. */
  readonly mediaType: string;
  readonly text: string;
}
