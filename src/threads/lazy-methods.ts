import { ServingError } from "../base/serving-error.ts";
import type { GrpcCall, GrpcMethod } from "../transport/grpc/method.ts";

/**
 * Methods whose code is loaded at the first call of any of them. Everything that reads generated messages is: what
 * describes them takes longer to load than all the rest of a serving thread.
 */
export function lazyMethods(
  kinds: Readonly<Record<string, GrpcMethod["kind"]>>,
  load: () => Promise<ReadonlyMap<string, GrpcMethod>>,
): Map<string, GrpcMethod> {
  let loading: Promise<ReadonlyMap<string, GrpcMethod>> | undefined;
  const find = async <Kind extends GrpcMethod["kind"]>(path: string, kind: Kind) => {
    loading ??= load();
    const method = (await loading).get(path);
    if (method?.kind !== kind) throw new ServingError("internal", `${path} is not a ${kind} method`);
    return method as Extract<GrpcMethod, { kind: Kind }>;
  };
  const entries = Object.entries(kinds).map(([path, kind]): [string, GrpcMethod] => [
    path,
    kind === "unary"
      ? {
          kind,
          run: async (message: Uint8Array, call: GrpcCall) => {
            // Before anything is awaited: the message is a view of a buffer that is used again meanwhile.
            const kept = Uint8Array.from(message);
            return (await find(path, kind)).run(kept, call);
          },
        }
      : { kind, run: async (messages, send, call) => await (await find(path, kind)).run(messages, send, call) },
  ]);
  return new Map(entries);
}
