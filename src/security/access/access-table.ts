// Who may ask what: the one place where a route or a method of gRPC is given the grant that it needs.
import type { Grant } from "../../base/grant.ts";

/** What a caller needs: a grant, to be anyone who is known (`any`), or nothing (`public`). */
export type Needed = Grant | "any" | "public";

/** What the methods of gRPC need, by path. One that is not here needs `admin`. */
export const METHODS_NEED: ReadonlyMap<string, Needed> = new Map<string, Needed>([
  ["/tensorflow.serving.PredictionService/Predict", "inference"],
  ["/tensorflow.serving.PredictionService/Classify", "inference"],
  ["/tensorflow.serving.PredictionService/Regress", "inference"],
  ["/tensorflow.serving.PredictionService/MultiInference", "inference"],
  ["/tensorflow.serving.PredictionService/GetModelMetadata", "any"],
  ["/tensorflow.serving.SessionService/SessionRun", "inference"],
  ["/tensorflow.serving.ModelService/GetModelStatus", "any"],
  ["/tensorflow.serving.ModelService/HandleReloadConfigRequest", "admin"],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "any"],
  ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "any"],
  ["/grpc.health.v1.Health/Check", "public"],
  ["/grpc.health.v1.Health/List", "public"],
  ["/grpc.health.v1.Health/Watch", "public"],
]);

interface PathRule {
  /** Matched with the path: the target without its query, nothing decoded. */
  readonly path: RegExp;
  /** Any, where there are none. */
  readonly methods?: readonly string[];
  readonly needs: Needed;
}

const READING = ["GET", "HEAD"];

/** What paths need; the first rule that fits. Where none does, anyone who is known may be told that nothing is there. */
const PATHS_NEED: readonly PathRule[] = [
  { path: /^\/v1\/config(?:\/|$)/i, needs: "admin" },
  { path: /^\/v1\//i, methods: [...READING, "OPTIONS"], needs: "any" },
  { path: /^\/v1\/models\/[^/:]+\/gen_client\/?$/i, methods: ["POST"], needs: "any" },
  { path: /^\/v1\//i, needs: "inference" },
  { path: /^\/$/, methods: ["POST"], needs: "inference" },
  { path: /^\/(?:livez|readyz|health)$/, methods: READING, needs: "public" },
  { path: /^\/metrics$/, needs: "metrics" },
  { path: /^\/dashboard\/api\/figures(?:\/|$)/i, needs: "metrics" },
];

/** What a method of gRPC needs. */
export function methodNeeds(path: string): Needed {
  return METHODS_NEED.get(path) ?? "admin";
}

/**
 * What requests of HTTP need, by method and target. `metricsPath`: where TensorFlow Serving's metrics are, which go before what
 * else is there; undefined when they are off.
 */
export function pathNeeds(metricsPath: string | undefined): (method: string, target: string) => Needed {
  return (method, target) => {
    const query = target.indexOf("?");
    const path = query < 0 ? target : target.slice(0, query);
    if (path === metricsPath) return "metrics";
    const rule = PATHS_NEED.find((each) => each.path.test(path) && each.methods?.includes(method) !== false);
    return rule?.needs ?? "any";
  };
}
