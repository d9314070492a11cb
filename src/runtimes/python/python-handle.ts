import type { ConnectionLimits } from "./worker-connection.ts";

/** What a thread needs to call a model's workers. Plain data. */
export interface PythonHandle {
  /** Of this process; tells its models apart. */
  readonly number: number;
  /** A socket of each worker. */
  readonly sockets: readonly string[];
  /** By the place of a signature: whether its inputs are declared by the model's author, and so to be checked. */
  readonly strict: readonly boolean[];
  readonly limits: ConnectionLimits;
}
