import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { OnnxGraphProgram, OnnxProgram } from "../../model/program.ts";
import type { Runtime, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { DEFAULT_SIGNATURE, type Signatures } from "../../tensor/signature.ts";
import { returnFreeMemory } from "../free-memory.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import { RunGate } from "../run-gate.ts";
import { BIG_MODEL_BYTES } from "../run-pace.ts";
import { AttachedSession } from "./attached-session.ts";
import { describeSession } from "./describe.ts";
import { type OnnxLibrary, openLibrary } from "./library.ts";
import { type ModelValues, signatureOf } from "./model-values.ts";
import { OnnxServable } from "./onnx-servable.ts";
import { type OnnxRuntimeOptions, resolveSessionOptions, type SessionOptions } from "./options.ts";
import { createSession, modelName } from "./session.ts";

/** A program, and what it may also say to this runtime. */
export type OnnxSessionProgram = (OnnxProgram | OnnxGraphProgram) & {
  /** Options for this model's session, which win over the runtime's. */
  readonly session?: SessionOptions;
};

/** A loaded session, for any thread of this process. Plain data. */
interface OnnxHandle {
  readonly libraryPath: string;
  readonly session: Pointer;
  readonly values: ModelValues;
  /** Whether the first run is expected to be long. */
  readonly slow: boolean;
}

/** Operators whose kernels call `std::terminate` when they are to work on nothing: seen with ONNX Runtime 1.30.0. */
const FRAGILE_OPERATORS = ["LSTM", "GRU", "DynamicQuantizeLSTM", "AttnLSTM"];

/** Executes ONNX graphs with ONNX Runtime. Opens its library when the first model needs it. */
export class OnnxRuntime implements Runtime {
  readonly name = "onnxruntime";
  readonly #options: OnnxRuntimeOptions;
  /** Runs of this thread, of all its models, that may be with libuv's pool at once. */
  readonly #gate: RunGate;

  constructor(options: OnnxRuntimeOptions = {}) {
    this.#options = options;
    this.#gate = new RunGate(Math.max(4, availableParallelism()), options.runLimits);
  }

  async load(program: OnnxSessionProgram, signal: AbortSignal): Promise<SharedModel> {
    const bytes = await programBytes(program);
    const options = resolveSessionOptions(this.#options, program.session, bytes);
    const library = openLibrary(this.#options.libraryPath);
    const session = await createSession(library, program, options, signal);
    try {
      const { values: described, signatures } = describe(library, session, modelName(program));
      const fragile = FRAGILE_OPERATORS.find((operator) => program.operators?.has(operator));
      const values = fragile === undefined ? described : { ...described, fragile };
      const handle: OnnxHandle = { libraryPath: library.path, session, values, slow: bytes >= BIG_MODEL_BYTES };
      return { runtime: this.name, signatures, handle };
    } catch (reason) {
      library.api.releaseSession(session);
      throw reason;
    }
  }

  attach({ handle, signatures }: SharedModel, expectLong = false): Servable {
    const { libraryPath, session, values, slow } = handle as OnnxHandle;
    const attached = new AttachedSession(openLibrary(libraryPath), session, values);
    return new OnnxServable(attached, signatures, slow || expectLong, this.#gate);
  }

  async unload({ handle }: SharedModel): Promise<void> {
    const { libraryPath, session } = handle as OnnxHandle;
    const { api } = openLibrary(libraryPath);
    await callElsewhere(api.releaseSession, session).catch(() => api.releaseSession(session));
    await returnFreeMemory();
  }
}

/** Bytes of a program's model, weights included. */
async function programBytes(program: OnnxProgram | OnnxGraphProgram): Promise<number> {
  if ("file" in program) return program.bytes ?? (await fileSize(program.file));
  return [...program.weights.values()].reduce((sum, { length }) => sum + length, program.model.length);
}

async function fileSize(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw new ServingError("not-found", `${basename(file)} cannot be read`, { cause });
  }
}

function describe(library: OnnxLibrary, session: Pointer, name: string): { values: ModelValues; signatures: Signatures } {
  try {
    const values = describeSession(library, session);
    return { values, signatures: new Map([[DEFAULT_SIGNATURE, signatureOf(values)]]) };
  } catch (reason) {
    const error = ServingError.from(reason);
    throw new ServingError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}
