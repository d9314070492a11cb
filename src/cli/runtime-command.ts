import { ServingError } from "../base/serving-error.ts";
import { installTensorFlow } from "../provisioning/install-tensorflow.ts";
import { type Machine, thisMachine } from "../provisioning/machine.ts";
import { listRuntimes, type RuntimeSummary, removeTensorFlow } from "../provisioning/runtime-list.ts";
import { megabytes, ProgressLine, type ProgressStream } from "./progress-line.ts";

/** What `modelport runtime` was asked to do. */
export interface RuntimeRequest {
  /** `install`, `list` or `remove`. */
  readonly action: string;
  /** The runtime; only `tensorflow` is installed and removed. */
  readonly name: string | undefined;
  readonly version?: string;
  readonly gpu?: boolean;
}

/** Where a request's outcome and its progress are written, and on which machine. */
export interface RuntimeSurroundings {
  readonly print: (text: string) => void;
  readonly progress: ProgressStream;
  readonly machine?: Machine;
}

/**
 * Installs, lists or removes the native libraries that models are run with. SIGINT and SIGTERM end an install; the next goes on from what it has
 * downloaded. Resolves with the exit code; rejects with a ServingError that says why it could not be done.
 */
export async function runtimeCommand(request: RuntimeRequest, surroundings: RuntimeSurroundings): Promise<number> {
  const { action, name, version, gpu } = request;
  const { print, machine = thisMachine() } = surroundings;
  if (action === "list") {
    if (name !== undefined) throw new ServingError("invalid-argument", `runtime list takes no name, got "${name}"`);
    const runtimes = await interruptible((signal) => listRuntimes(signal, machine));
    print(`${runtimeTable(runtimes)}\n`);
    return 0;
  }
  if (action !== "install" && action !== "remove") {
    throw new ServingError("invalid-argument", `runtime can install, list or remove, not "${action}"`);
  }
  if (name !== "tensorflow") {
    throw new ServingError(
      "invalid-argument",
      `the runtime to ${action} must be tensorflow, got ${name === undefined ? "none" : `"${name}"`}`,
    );
  }
  if (action === "remove") {
    for (const { version: gone, bytes } of await removeTensorFlow(version, machine)) {
      print(`TensorFlow ${gone} is removed (${megabytes(bytes)} MB)\n`);
    }
    return 0;
  }
  const line = new ProgressLine(surroundings.progress);
  const options = { ...(version !== undefined && { version }), ...(gpu && { gpu }) };
  const result = await interruptible((signal) =>
    installTensorFlow({ ...options, signal, progress: (progress) => line.show(progress) }, machine),
  ).finally(() => line.end());
  print(`TensorFlow ${result.version} ${result.wasThere ? "was installed already" : "is installed"} \
(${megabytes(result.bytes)} MB, ${result.source}): ${result.library}\n`);
  return 0;
}

async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const stop = () =>
    interrupt.abort(new ServingError("cancelled", "interrupted; what was downloaded whole is kept for the next time"));
  // Waiting for another process's install is waiting for a timer, which does not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return await work(interrupt.signal);
  } finally {
    clearInterval(alive);
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

const HEAD = ["RUNTIME", "VERSION", "SIZE", "USED", "FROM"] as const;

/** A table with one line per runtime. */
export function runtimeTable(runtimes: readonly RuntimeSummary[]): string {
  const rows: (readonly string[])[] = [
    HEAD,
    ...runtimes.map(({ name, version, bytes, gpu, used, source }) => [
      name + (gpu ? " (GPU)" : ""),
      version,
      `${megabytes(bytes)} MB`,
      used ? "yes" : "no",
      source,
    ]),
  ];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd()).join("\n");
}
