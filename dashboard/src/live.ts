import type { DashboardFigures, DashboardSession, DashboardState } from "../../src/api/dashboard/dashboard-messages.ts";
import { joinFigures } from "./figures-window.ts";
import { CallFault, getFigures, getSession, onRefusal, paths } from "./server-calls.ts";
import { createStore } from "./store.ts";

/**
 * How the page hears of what happens. `paused` is a page that nobody looks at; `signed-out` one whose credentials the server takes no
 * more, which asks nothing by itself: every attempt with them counts, and the browser asks its user each time.
 */
export type Connection =
  | { readonly kind: "connecting" | "live" | "paused" }
  | { readonly kind: "waiting"; readonly retryAtMs: number; readonly reason: string }
  | { readonly kind: "signed-out" };

/** What the server last told. */
export const live = {
  connection: createStore<Connection>({ kind: "connecting" }),
  session: createStore<DashboardSession | undefined>(undefined),
  state: createStore<DashboardState | undefined>(undefined),
  figures: createStore<readonly DashboardFigures[]>([]),
} as const;

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;

/** A page out of sight for so long stops listening. */
const PATIENCE_MS = 60_000;

/** How long to wait before the attempt after `failures` of them: twice as long each time, and a little more by chance. */
export function retryDelay(failures: number, chance: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1)) * (1 + chance / 4);
}

/** How often a person has asked to sign in again. */
const signIns = createStore(0);

/** Asks the server again after `signed-out`: the browser asks its user for a name and a password first. */
export function signInAgain(): void {
  signIns.set(signIns.get() + 1);
}

/** Listens to the server for as long as the page is open. */
export function listen(): void {
  let failures = 0;
  let source: EventSource | undefined;
  let timer: number | undefined;
  let hiding: number | undefined;
  let attempt = 0;

  const stop = () => {
    attempt++;
    window.clearTimeout(timer);
    source?.close();
    source = undefined;
  };

  const retry = (reason: string) => {
    stop();
    failures++;
    const delay = retryDelay(failures, Math.random());
    live.connection.set({ kind: "waiting", retryAtMs: Date.now() + delay, reason });
    timer = window.setTimeout(() => void start(), delay);
  };

  const start = async () => {
    stop();
    const mine = attempt;
    if (live.connection.get().kind !== "waiting") live.connection.set({ kind: "connecting" });
    try {
      const session = await getSession();
      live.session.set(session);
      if (!session.grants.metrics) live.figures.set([]);
      else live.figures.set(joinFigures(live.figures.get(), (await getFigures()).figures));
    } catch (fault) {
      if (mine === attempt) retry(fault instanceof CallFault ? fault.message : "the server's answer is not understood");
      return;
    }
    if (mine !== attempt) return;
    const events = new EventSource(paths.events);
    source = events;
    events.addEventListener("state", ({ data }) => {
      failures = 0;
      live.connection.set({ kind: "live" });
      live.state.set(JSON.parse(data) as DashboardState);
    });
    events.addEventListener("figures", ({ data }) => {
      live.figures.set(joinFigures(live.figures.get(), [JSON.parse(data) as DashboardFigures]));
    });
    events.addEventListener("error", () => {
      if (source === events) retry("the connection to the server was lost");
    });
  };

  // Grants may have changed, or who looks may be known no more, since the page was opened.
  const refused = async (status: 401 | 403) => {
    if (status === 401) {
      stop();
      live.connection.set({ kind: "signed-out" });
      return;
    }
    const session = await getSession();
    const before = live.session.get();
    live.session.set(session);
    if (before?.grants.metrics !== session.grants.metrics) void start();
  };
  onRefusal((status) => void refused(status).catch(() => undefined));
  signIns.watch(() => void start());

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      if (live.connection.get().kind === "paused") void start();
      else window.clearTimeout(hiding);
      return;
    }
    hiding = window.setTimeout(() => {
      if (live.connection.get().kind === "signed-out") return;
      stop();
      live.connection.set({ kind: "paused" });
    }, PATIENCE_MS);
  });
  void start();
}
