import { ServingError } from "../../base/serving-error.ts";
import type { ServedSpec } from "../../codec/model-spec-message.ts";
import type { PredictShell } from "../../serving/inference.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import { shortened } from "./shortened.ts";

const ALL_OUTPUTS: readonly string[] = [];

/** A predict call of Simple TensorFlow Serving's API. */
export class StfsPredict<Result> implements PredictShell<Result> {
  readonly outputFilter = ALL_OUTPUTS;
  readonly #read: (signature: Signature) => NamedTensors | Promise<NamedTensors>;
  readonly #write: (outputs: NamedTensors, signature: Signature) => Result | Promise<Result>;
  /** Whether what fails now is the run: neither reading the request nor writing the answer. */
  #running = false;

  constructor(
    read: (signature: Signature) => NamedTensors | Promise<NamedTensors>,
    write: (outputs: NamedTensors, signature: Signature) => Result | Promise<Result>,
  ) {
    this.#read = read;
    this.#write = write;
  }

  unknownSignature(name: string): ServingError {
    return new ServingError(
      "invalid-argument",
      `Fail to request the signature name: ${shortened(name)}, please check the request JSON`,
    );
  }

  readInputs(signature: Signature): NamedTensors | Promise<NamedTensors> {
    const inputs = this.#read(signature);
    if (inputs instanceof Promise) {
      return inputs.then((read) => {
        this.#running = true;
        return read;
      });
    }
    this.#running = true;
    return inputs;
  }

  write(outputs: NamedTensors, _resolved: ServedSpec, signature: Signature): Result | Promise<Result> {
    this.#running = false;
    return this.#write(outputs, signature);
  }

  /** What the caller is told of an error of the call: one of the run gets Simple TensorFlow Serving's words around it. */
  explained(reason: unknown): unknown {
    if (!this.#running || !(reason instanceof ServingError) || reason.code !== "invalid-argument") return reason;
    const message = `Sess.run() fail because of ${reason.message}, please check shape of input`;
    return new ServingError("invalid-argument", message, { cause: reason });
  }
}
