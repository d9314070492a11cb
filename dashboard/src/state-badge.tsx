import type { HistoryEvent } from "../../src/api/dashboard/dashboard-messages.ts";

type Stated = Pick<HistoryEvent, "state" | "error">;

/** A version's state as a word and a colour. */
export function StateBadge({ version }: { readonly version: Stated }) {
  const { tone, word } = describeState(version);
  return <span class={`badge ${tone}`}>{word}</span>;
}

/** A state in words, and how good that is. */
export function describeState({ state, error }: Stated): { readonly tone: "ok" | "warn" | "bad" | "off"; readonly word: string } {
  switch (state) {
    case "START":
      return { tone: "warn", word: "waiting" };
    case "LOADING":
      return { tone: "warn", word: "loading" };
    case "AVAILABLE":
      return { tone: "ok", word: "available" };
    case "UNLOADING":
      return { tone: "warn", word: "unloading" };
    case "END":
      return error === undefined ? { tone: "off", word: "unloaded" } : { tone: "bad", word: "failed" };
  }
}
