import { performance } from "node:perf_hooks";
import type { Clock } from "../../base/clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import type { Signatures } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import type { RunGate } from "../run-gate.ts";
import { checkInputs } from "./check-inputs.ts";
import { encodeRequest } from "./encode-request.ts";
import type { PythonHandle } from "./python-handle.ts";
import { unreachable, WorkerConnection } from "./worker-connection.ts";

/** A model in Python workers as one thread serves it: the thread speaks to each worker itself. */
export class PythonServable implements Servable {
  readonly runtime = "python";
  readonly signatures: Signatures;
  readonly #places: ReadonlyMap<string, number>;
  readonly #strict: readonly boolean[];
  readonly #connections: readonly WorkerConnection[];
  readonly #gate: RunGate;
  #turn = 0;

  /** At most as many requests as the gate lets in are with the workers. */
  constructor(handle: PythonHandle, signatures: Signatures, gate: RunGate, clock: Clock) {
    this.signatures = signatures;
    this.#places = new Map([...signatures.keys()].map((name, place) => [name, place] as const));
    this.#strict = handle.strict;
    this.#gate = gate;
    this.#connections = handle.sockets.map((path) => new WorkerConnection(path, handle.limits, clock));
  }

  admit(): void {
    this.#gate.check();
  }

  async run(name: string, inputs: NamedTensors, wanted: readonly string[], context?: RunContext): Promise<NamedTensors> {
    const place = this.#places.get(name);
    if (place === undefined) throw new ServingError("invalid-argument", `there is no signature "${name}"`);
    const signature = this.signatures.get(name)!;
    if (this.#strict[place]) checkInputs(signature.inputs, inputs);
    const signal = context?.signal;
    await this.#gate.enter(signal);
    const start = performance.now();
    const done = () => this.#gate.leave(performance.now() - start);
    let connection: WorkerConnection;
    try {
      connection = await this.#connection();
    } catch (reason) {
      done();
      throw reason;
    }
    const places = signature.openOutputs
      ? []
      : wanted.map((alias) => signature.outputs.findIndex((each) => each.alias === alias));
    const outputs = await connection.ask({ signature: place, request: encodeRequest(inputs, places), signal, done });
    return signature.openOutputs && wanted.length > 0 ? chosen(outputs, wanted) : outputs;
  }

  detach(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** Of the workers that are there the one with the least to do. Rejects with unavailable when there is none. */
  async #connection(): Promise<WorkerConnection> {
    const found = this.#idlest();
    if (found !== undefined) return found;
    await Promise.any(this.#connections.map(({ tried }) => tried));
    const late = this.#idlest();
    if (late === undefined) throw unreachable();
    return late;
  }

  #idlest(): WorkerConnection | undefined {
    const connections = this.#connections;
    const first = this.#turn++ % connections.length;
    let found: WorkerConnection | undefined;
    for (let i = 0; i < connections.length; i++) {
      const each = connections[(first + i) % connections.length]!;
      if (each.usable && (found === undefined || each.waiting < found.waiting)) found = each;
    }
    return found;
  }
}

/** @throws ServingError invalid-argument for an output that the model has not given */
function chosen(outputs: NamedTensors, wanted: readonly string[]): NamedTensors {
  return new Map(
    wanted.map((alias) => {
      const tensor = outputs.get(alias);
      if (tensor === undefined) {
        const given = [...outputs.keys()].join(", ");
        throw new ServingError("invalid-argument", `the model has given no output "${alias}" (it has given ${given})`);
      }
      return [alias, tensor] as const;
    }),
  );
}
