import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { libraryVersion } from "./library-version.ts";

/** What provisioning knows of the machine and of whoever runs it. Tests bring their own. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** A Linux without glibc, such as Alpine. */
  readonly musl: boolean;
  /** What programs are started with; they are looked for on its `PATH`. */
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly clock: Clock;
  /** Loads TensorFlow's library, away from this process, and resolves with its version: {@link libraryVersion}. */
  readonly libraryVersion: (path: string, env: NodeJS.ProcessEnv, signal: AbortSignal) => Promise<string>;
}

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  const { platform, arch, env } = process;
  return { platform, arch, musl: platform === "linux" && !hasGlibc(), env, home: homedir(), clock: systemClock, libraryVersion };
}

function hasGlibc(): boolean {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  const { excludeNetwork = false } = report;
  // Else it looks up the name of every peer that is connected.
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { readonly header: { readonly glibcVersionRuntime?: string } };
  report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime !== undefined;
}

/** `linux-x64` and the like, as Node names systems and processors. */
export function platformName({ platform, arch }: Machine): string {
  return `${platform}-${arch}`;
}

/** The folder that keeps what was fetched once: `MODELPORT_CACHE_DIR`, else `modelport` in the system's folder for caches. */
export function cacheFolder({ platform, env, home }: Machine): string {
  if (env.MODELPORT_CACHE_DIR) return resolve(env.MODELPORT_CACHE_DIR);
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME, "modelport");
  if (platform === "darwin") return join(home, "Library/Caches/modelport");
  if (platform === "win32") return join(env.LOCALAPPDATA || join(home, "AppData/Local"), "modelport");
  return join(home, ".cache/modelport");
}
