import type { PredictRequest } from "./predict-request.ts";
import type { TimedAnswer } from "./server-calls.ts";
import { createStore, useStore } from "./store.ts";
import { duration, moment } from "./units.ts";

/** A call and what came of it. */
export interface Run {
  readonly atMs: number;
  readonly request: PredictRequest;
  readonly answer: TimedAnswer;
}

const MOST_RUNS = 10;

/** By model, latest first; gone with the page. */
const runs = createStore<ReadonlyMap<string, readonly Run[]>>(new Map());

/** Adds a run to those of its model. */
export function keepRun(model: string, run: Run): void {
  const known = runs.get();
  runs.set(new Map(known).set(model, [run, ...(known.get(model) ?? [])].slice(0, MOST_RUNS)));
}

interface RunHistoryProps {
  readonly model: string;
  readonly current: Run | undefined;
  readonly choose: (run: Run) => void;
}

/** The last runs of a model, each a button that shows it again. */
export function RunHistory({ model, current, choose }: RunHistoryProps) {
  const known = useStore(runs).get(model) ?? [];
  if (known.length === 0) return null;
  return (
    <section class="runs" aria-labelledby="runs">
      <h3 id="runs">Last runs</h3>
      <ol>
        {known.map((run) => (
          <li key={run.atMs}>
            <button type="button" class="plain" aria-pressed={run === current} onClick={() => choose(run)}>
              <span class={`badge ${run.answer.status === 200 ? "ok" : "bad"}`}>{run.answer.status}</span>
              <span>{duration(run.answer.ms)}</span>
              <span class="muted">{moment(run.atMs)}</span>
              <span class="muted cut">
                {run.request.kind === "json" ? run.request.body.replace(/\s+/g, " ") : filesOf(run.request)}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function filesOf({ files }: Extract<PredictRequest, { kind: "multipart" }>): string {
  return files.map(({ name }) => name).join(", ");
}
