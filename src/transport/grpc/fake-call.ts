import type { GrpcCall } from "./method.ts";

/** A call for tests of methods: without metadata, deadline or cancellation but for what `changes` says. */
export function fakeCall(changes: Partial<GrpcCall> = {}): GrpcCall {
  return {
    path: "/test.Service/Method",
    metadata: () => undefined,
    signal: new AbortController().signal,
    hasDeadline: false,
    remainingMs: undefined,
    messageCompressed: false,
    addHeader() {},
    addTrailer() {},
    compressAnswers() {},
    ...changes,
  };
}
