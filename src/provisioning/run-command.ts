import { spawn } from "node:child_process";
import { throwIfAborted } from "../base/abort.ts";

/** How a program ended. */
export interface CommandOutcome {
  /** Its exit code; undefined when it was killed or there is no such program. */
  readonly code: number | undefined;
  /** The signal that ended it. */
  readonly killedBy?: NodeJS.Signals;
  /** The last 64 KiB of what it wrote. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where it works; default: the root of the file system, where no file of the user's can be taken for a module. */
  readonly cwd?: string;
  /** Ends the program; the call then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called with each piece of its standard output. */
  readonly output?: (text: string) => void;
}

const KEPT_CHARACTERS = 65_536;

/** Runs a program, looked for on the `PATH` of `env`, without a shell and without input. Rejects only when `signal` aborts. */
export async function runCommand(
  command: readonly string[],
  { env, cwd = "/", signal, output }: CommandOptions,
): Promise<CommandOutcome> {
  throwIfAborted(signal);
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      written[name] = (written[name] + text).slice(-KEPT_CHARACTERS);
      if (name === "stdout") output?.(text);
    });
  }
  const kill = () => void child.kill();
  signal.addEventListener("abort", kill);
  try {
    const end = await new Promise<Pick<CommandOutcome, "code" | "killedBy">>((resolve) => {
      const ended = (code: number | null, killedBy: NodeJS.Signals | null) =>
        resolve({ code: code ?? undefined, ...(killedBy !== null && { killedBy }) });
      child.once("error", () => {
        if (child.pid === undefined) resolve({ code: undefined });
      });
      child.once("close", ended);
      // After an abort its end is waited for, since nothing may be deleted below a program that writes, but not what it has started.
      child.once("exit", (code, killedBy) => {
        if (signal.aborted) ended(code, killedBy);
      });
    });
    throwIfAborted(signal);
    return { ...end, ...written };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
