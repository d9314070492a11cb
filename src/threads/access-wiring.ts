import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { ACCESS_REFUSALS } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import { METHODS_NEED, type Needed } from "../security/access/access-table.ts";
import type { Cors } from "../security/access/cors.ts";
import { FOREIGN_MESSAGE, isForeign } from "../security/access/cross-site.ts";
import type { Gate } from "../security/access/gate.ts";
import type { GrpcMethod } from "../transport/grpc/method.ts";

/** What a thread's gate is made of. */
export interface GateWiring {
  readonly shard: MetricsShard;
  readonly clock: Clock;
  readonly log: Log;
  readonly needs: (method: string, target: string) => Needed;
  readonly cors: Cors | undefined;
}

/** A gate that counts and logs whom it refuses. Loaded when first needed: a server that asks nobody who calls does without it. */
export async function openGate({ shard, clock, log, needs, cors }: GateWiring): Promise<Gate> {
  const { Gate: Opened } = await import("../security/access/gate.ts");
  return new Opened({
    clock,
    needs,
    cors,
    refused: (reason, about) => {
      shard.counter(ACCESS_REFUSALS, reason).add();
      if (reason === "wrong") log.info("access_refused", { reason, ...about });
      else log.debug("access_refused", { reason, ...about });
    },
  });
}

/**
 * A method as it is served: one that needs the admin grant is not for pages of other sites, whether callers are asked who they are
 * or not. Throws for a method of which the table of grants does not know.
 */
export function guardedMethod(path: string, method: GrpcMethod): GrpcMethod {
  const needed = METHODS_NEED.get(path);
  if (needed === undefined) throw new Error(`${path} has no entry in security/access/access-table.ts`);
  if (needed !== "admin" || method.kind !== "unary") return method;
  return {
    kind: "unary",
    run(message, call) {
      if (isForeign({ header: (name) => call.metadata(name) })) throw new ServingError("permission-denied", FOREIGN_MESSAGE);
      return method.run(message, call);
    },
  };
}
