import { useEffect, useState } from "preact/hooks";
import { type Connection, live } from "./live.ts";
import { useStore } from "./store.ts";

/** Figures come about once a second; a server under load sends fewer. */
const LATE_MS = 6000;

/** Whether what the page shows is what is. Screen readers hear of changes. */
export function ConnectionStatus() {
  const connection = useStore(live.connection);
  const figures = useStore(live.figures);
  const now = useClock(1000);
  const last = figures.at(-1)?.atMs;
  const late = connection.kind === "live" && last !== undefined && now - last > LATE_MS;
  const { tone, text, detail } = describe(connection, late, now);
  return (
    <>
      <span class={`status ${tone}`} title={detail}>
        <span class="dot" aria-hidden="true" />
        {text}
      </span>
      <span class="unseen" role="status">
        {connection.kind === "waiting"
          ? `Updates stopped: ${connection.reason}`
          : connection.kind === "live"
            ? "Updates are live"
            : connection.kind === "signed-out"
              ? "Signed out"
              : ""}
      </span>
    </>
  );
}

/** The time in milliseconds, anew every `everyMs`. */
export function useClock(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

function describe(connection: Connection, late: boolean, now: number): { tone: string; text: string; detail: string } {
  switch (connection.kind) {
    case "connecting":
      return { tone: "warn", text: "Connecting", detail: "Waiting for the server's first answer" };
    case "paused":
      return { tone: "warn", text: "Paused", detail: "Nobody looked; updates go on now" };
    case "signed-out":
      return { tone: "bad", text: "Signed out", detail: "The server does not take the credentials any more" };
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((connection.retryAtMs - now) / 1000));
      return { tone: "bad", text: `Reconnecting in ${seconds} s`, detail: connection.reason };
    }
    case "live":
      return late
        ? { tone: "warn", text: "Live, slowed", detail: "The server sends fewer updates while it is busy" }
        : { tone: "ok", text: "Live", detail: "Changes are shown as they happen" };
  }
}
