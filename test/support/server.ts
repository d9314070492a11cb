import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { get } from "node:https";
import { createServer } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { fileURLToPath } from "node:url";

/** The built command line. */
export const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A modelport of its own process, on loopback ports of its own. */
export interface RunningServer {
  readonly process: ChildProcess;
  readonly port: number;
  readonly restPort: number;
  /** `http://127.0.0.1:PORT` of the REST port, or of the other one when that is off; `https:` for one with TLS. */
  readonly url: string;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Sends a signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

/** Ports that nobody listens on at this moment, each another one. */
async function freePorts(count: number): Promise<readonly number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const probe of probes) {
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const address = probe.address();
    if (address === null || typeof address === "string") throw new Error("no TCP address");
    ports.push(address.port);
  }
  for (const probe of probes) await new Promise((resolve) => probe.close(resolve));
  return ports;
}

/** How to start a server. */
export interface StartOptions {
  /** Wait for `/readyz`, or for `/livez` only. */
  readonly until?: "ready" | "listening";
  /** A module that Node loads before the server: for what only a process can do to itself. */
  readonly preload?: string;
  /** Ports that the arguments give, in whatever form. */
  readonly ports?: readonly [port: number, restPort: number];
  /** The REST port takes TLS; what a client of it needs. */
  readonly tls?: ConnectionOptions;
  /** Its environment in place of the tests' own. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts the built server on ports of its own and waits until it answers. Fails with its output if
 * it exits first.
 */
export async function startServer(
  args: readonly string[],
  { until = "ready", preload, ports, tls, env = process.env }: StartOptions = {},
): Promise<RunningServer> {
  if (!existsSync(MAIN)) throw new Error("the server is not built: npm run build");
  const [port, restPort] = ports ?? ((await freePorts(2)) as [number, number]);
  const portFlags = ports === undefined ? [`--port=${port}`, `--rest_api_port=${restPort}`] : [];
  const preloading = preload === undefined ? [] : [`--import=${preload}`];
  const child = spawn(process.execPath, [...preloading, MAIN, ...args, ...portFlags], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${restPort || port}`;
  const probe = until === "ready" ? "/readyz" : "/livez";
  const failed = exited.then((code) => {
    throw new Error(`the server exited with ${code} before it was ${until}:\n${output.stdout}\n${output.stderr}`);
  });
  await Promise.race([failed, tls === undefined ? answers(`${url}${probe}`) : answersSecurely(`${url}${probe}`, tls)]);
  return {
    process: child,
    port,
    restPort,
    url,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs the built command line to its end. */
export async function runCommand(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...output };
}

async function answers(url: string): Promise<void> {
  for (;;) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function answersSecurely(url: string, tls: ConnectionOptions): Promise<void> {
  for (;;) {
    const ok = await new Promise<boolean>((resolve) => {
      const request = get(url, { ...tls, agent: false }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode === 200));
      });
      request.on("error", () => resolve(false));
    });
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Polls until `probe` gives something other than undefined or false. */
export async function eventually<T>(probe: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One line of the server's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly model?: string;
  readonly version?: string;
  readonly state?: string;
  readonly error?: string;
}

/** What the server has logged so far. Fails when a line is not JSON. */
export function logLines(server: RunningServer): readonly LogLine[] {
  return server
    .stderr()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}
