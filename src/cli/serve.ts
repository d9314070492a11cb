import { systemClock } from "../base/clock.ts";
import { createLog, type Log } from "../base/log.ts";
import type { ServerOptions } from "../config/server-options.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsPages } from "../metrics/metrics-pages.ts";
import { processFigures } from "../metrics/process-figures.ts";
import { ThreadPool } from "../threads/thread-pool.ts";
import type { AccessSide } from "./access-side.ts";
import type { ControlSide } from "./control-side.ts";
import { isLoopback, openEndpoints } from "./endpoints.ts";
import { exitAtOnce } from "./exit-at-once.ts";
import { servingOptions } from "./resolved-options.ts";
import type { TlsSide } from "./tls-side.ts";
import { version } from "./version.ts";

/** Milliseconds after the drain that a run may go on whose callers are gone. */
const LONGEST_RUN_MS = 5000;

/** Milliseconds that the process may take to end by itself once everything is stopped. */
const LONGEST_END_MS = 1000;

/**
 * Serves models until a signal ends it. Resolves with the exit code after SIGTERM or SIGINT; a second signal ends the
 * process at once. Rejects with a ServingError when it cannot start.
 */
export async function serve(options: ServerOptions, print: (text: string) => void): Promise<number> {
  const log = createLog(options.logLevel);
  const signalled = firstSignal();
  // Nothing else would, should every serving thread die at once: the process would end before they are replaced.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    const running = await start(options, log, print);
    log.info("stopping", { signal: await signalled });
    await running.stop();
    log.info("stopped");
    // A native call that cannot be interrupted, such as one to a server that is gone, would hold up the end of the process.
    setTimeout(() => exitAtOnce(0), LONGEST_END_MS).unref();
    return 0;
  } finally {
    clearInterval(alive);
  }
}

async function start(options: ServerOptions, log: Log, print: (text: string) => void): Promise<{ stop(): Promise<void> }> {
  const catalog = new MetricsCatalog(METRICS);
  const pages = new MetricsPages(catalog, systemClock);
  catalog.addCollector(processFigures(version()));
  const serving = await servingOptions(options);
  const access = await openAccess(options, log);
  const tls = await openTls(options, log);
  if (tls !== undefined) catalog.addCollector(() => tls.samples());
  let control: ControlSide | undefined;
  const pool = new ThreadPool({
    threads: options.threads,
    options: serving,
    catalog,
    clock: systemClock,
    log,
    control: {
      // A thread that can ask listens, and it listens only after the control side is there.
      reload: (config) => control!.reload(config),
      admin: (call) => control!.admin(call),
      metrics: (style) => pages.page(style),
      counters: async (names) => names.map((name) => catalog.total(name)),
    },
  });
  access?.start(pool);
  tls?.start(pool);
  // Without a handler the signal would end the process; a control side that is not there yet reads the newest anyway.
  const onHangUp = (): void => void control?.reread();
  process.on("SIGHUP", onHangUp);
  const stop = async (): Promise<void> => {
    access?.stop();
    tls?.stop();
    control?.rest();
    const overdue = setTimeout(() => {
      log.error("stop_forced", { message: "a model run that nothing can interrupt has not ended" });
      exitAtOnce(1);
    }, options.drainTimeoutMs + LONGEST_RUN_MS);
    await pool.drain(options.drainTimeoutMs);
    clearTimeout(overdue);
    await control?.stop();
    process.off("SIGHUP", onHangUp);
  };
  try {
    // Loaded while the threads start on other cores: together with them it is most of the time to the first answer.
    const { ControlSide: Control } = await import("./control-side.ts");
    control = new Control({ options, serving, pool, catalog, log });
    await control.start();
    const endpoints = await openEndpoints(pool, options);
    if (!isLoopback(options.host) && access === undefined) {
      log.warn("open_to_the_network", {
        host: options.host,
        message: "whoever reaches this address can ask models and change which are served",
      });
    }
    for (const flag of options.ignored) log.info("flag_ignored", { flag });
    control.announce(endpoints, print);
  } catch (reason) {
    await stop();
    throw reason;
  }
  return { stop };
}

/** Reads who may call before anything else is begun. Rejects with a ServingError that names the flag at fault. */
async function openAccess({ access }: ServerOptions, log: Log): Promise<AccessSide | undefined> {
  if (access === undefined) return undefined;
  // A password among the arguments is not left for others on this machine to see.
  if (access.user?.password !== undefined) process.title = "modelport";
  const { AccessSide: Side } = await import("./access-side.ts");
  return Side.open(access, systemClock, log);
}

/** Reads the certificate before anything else is begun. Rejects with a ServingError that names the flag at fault. */
async function openTls({ tls }: ServerOptions, log: Log): Promise<TlsSide | undefined> {
  if (tls === undefined) return undefined;
  const { TlsSide: Side } = await import("./tls-side.ts");
  return Side.open(tls, systemClock, log);
}

/** Resolves at the first signal to stop; the second one ends the process. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (stopping) exitAtOnce(1);
      stopping = true;
      resolve(signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
