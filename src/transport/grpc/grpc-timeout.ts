const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/**
 * A `grpc-timeout` in milliseconds: at most eight digits and a unit (gRPC's HTTP/2 mapping, "Timeout"). Undefined when the
 * value is anything else.
 */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(value);
  return match === null ? undefined : Number(match[1]) * UNIT_MS.get(match[2]!)!;
}
