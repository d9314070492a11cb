import { createRequire } from "node:module";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { withoutPlaces } from "./reason.ts";
import { runCommand } from "./run-command.ts";

/** Opens the library the way a runtime does, global and for good, and says its version. Node takes no TypeScript: this is sent as text. */
const PROBE = `
const [koffiPath, path] = process.argv.slice(1);
const koffi = require(koffiPath);
const [GLOBAL, NO_DELETE] = process.platform === "darwin" ? [0x8, 0x80] : [0x100, 0x1000];
try {
  koffi.load(null).func("dlopen", "void *", ["str", "int"])(path, 0x2 | GLOBAL | NO_DELETE);
  process.stdout.write(koffi.load(path).func("TF_Version", "str", [])());
} catch (error) {
  process.stderr.write(error.message);
  process.exitCode = 1;
}
`;

/**
 * Loads TensorFlow's shared library in a process of its own, which may crash, and resolves with what it says its version is: `2.18.1`.
 * Rejects with a ServingError failed-precondition that says why it cannot be loaded.
 */
export async function libraryVersion(path: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const koffi = createRequire(import.meta.url).resolve("koffi");
  const outcome = await runCommand([process.execPath, "-e", PROBE, koffi, path], {
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: "3" },
    signal,
  });
  const version = /^\d+\.\d+\.\d+\S*$/.exec(outcome.stdout)?.[0];
  if (outcome.code === 0 && version !== undefined) return version;
  throw new ServingError("failed-precondition", `"${basename(path)}" cannot be used as TensorFlow's library: ${why(outcome)}`);
}

function why({ code, killedBy, stderr }: Awaited<ReturnType<typeof runCommand>>): string {
  if (killedBy === "SIGILL") return "it needs a processor with more instructions than this one has (SIGILL)";
  if (killedBy !== undefined) return `the process that loads it ends with ${killedBy}`;
  return withoutPlaces(stderr) || `the process that loads it ends with exit code ${code}`;
}
