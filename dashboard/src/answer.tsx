import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { type Output, outputsOf, type Picture, type Score, viewOf } from "./answer-view.ts";
import { Choice } from "./choice.tsx";
import { CodeBlock } from "./code-block.tsx";
import { type Json, parseJson, printJson } from "./exact-json.ts";
import { ScrollRegion } from "./region.tsx";
import { errorOf, type TimedAnswer } from "./server-calls.ts";
import { bytes, duration, short } from "./units.ts";

const VIEWS = [
  ["pictured", "Answer"],
  ["json", "JSON"],
] as const;

interface AnswerProps {
  readonly answer: TimedAnswer;
  readonly outputs: readonly TensorDetail[];
}

/** Beyond so many characters an answer is shown as text alone, and cut. */
const LONGEST = 2_000_000;
const LONGEST_SHOWN = 100_000;

/** An answer as what it is: scores, pictures, a table or JSON; or what went wrong. */
export function Answer({ answer, outputs }: AnswerProps) {
  const [view, setView] = useState<"pictured" | "json">("pictured");
  const parsed = useMemo(() => read(answer.text), [answer]);
  const failed = answer.status < 200 || answer.status > 299;
  const named = useMemo(() => (failed || parsed === undefined ? [] : outputsOf(parsed, outputs)), [parsed, outputs, failed]);
  const shown = named.length > 0 ? view : "json";
  return (
    <div class="pad stack">
      <div class="answer-facts">
        <span class={`badge ${failed ? "bad" : "ok"}`}>{`${answer.status} ${failed ? "refused or failed" : "OK"}`}</span>
        <span>
          <b>{duration(answer.ms)}</b> <span class="muted">there and back</span>
        </span>
        <span class="muted">{bytes(answer.text.length)}</span>
        {named.length > 0 && <Choice name="How to show the answer" options={VIEWS} chosen={view} choose={setView} />}
      </div>
      {failed ? (
        <p class="notice bad">{errorOf(answer.text)}</p>
      ) : shown === "json" ? (
        <CodeBlock name="the answer" code={cut(parsed === undefined ? answer.text : printJson(parsed, { indented: true }))} />
      ) : (
        named.map((output) => (
          <OutputView
            key={output.alias}
            output={output}
            all={named}
            tensor={outputs.find(({ alias }) => alias === output.alias)}
          />
        ))
      )}
    </div>
  );
}

interface OutputViewProps {
  readonly output: Output;
  readonly all: readonly Output[];
  readonly tensor: TensorDetail | undefined;
}

function OutputView({ output, all, tensor }: OutputViewProps) {
  const view = useMemo(() => viewOf(output, all, tensor?.dtype), [output, all, tensor]);
  return (
    <section class="output" aria-label={`Output ${output.alias}`}>
      <h3>
        <code>{output.alias}</code> {tensor && <span class="muted">{tensor.dtype}</span>}
      </h3>
      {view.kind === "scores" ? (
        <ScoreRows rows={view.rows} />
      ) : view.kind === "images" ? (
        <div class="pictures">
          {view.images.map((picture, index) => (
            <PictureView key={index} picture={picture} name={`${output.alias}, picture ${index + 1}`} />
          ))}
        </div>
      ) : view.kind === "table" ? (
        <ValueTable rows={view.rows} name={output.alias} />
      ) : (
        <CodeBlock name={output.alias} code={cut(printJson(output.value, { indented: true }))} />
      )}
    </section>
  );
}

const MOST_ROWS = 50;
const MOST_SCORES = 10;

function ScoreRows({ rows }: { readonly rows: readonly (readonly Score[])[] }) {
  return (
    <>
      {rows.slice(0, MOST_ROWS).map((scores, row) => (
        <div key={row}>
          {rows.length > 1 && <h4>Row {row + 1}</h4>}
          <Scores scores={scores} />
        </div>
      ))}
      {rows.length > MOST_ROWS && <p class="hint">{rows.length - MOST_ROWS} more rows are in the JSON</p>}
    </>
  );
}

function Scores({ scores }: { readonly scores: readonly Score[] }) {
  const shown = scores.slice(0, MOST_SCORES);
  const largest = Math.max(...shown.map(({ score }) => Math.abs(score))) || 1;
  return (
    <>
      <table class="scores">
        <thead class="unseen">
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Score</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ label, score }, index) => (
            <tr key={index} class={index === 0 ? "best" : ""}>
              <th scope="row">{label}</th>
              <td class="bar">
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(Math.max(0, score) / largest) * 100} height="10" />
                </svg>
              </td>
              <td class="number">{short(score)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {scores.length > shown.length && <p class="hint">{`The ${shown.length} highest of ${scores.length}`}</p>}
    </>
  );
}

function ValueTable({ rows, name }: { readonly rows: readonly (readonly Json[])[]; readonly name: string }) {
  return (
    <ScrollRegion name={`Values of ${name}`}>
      <table class="values">
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, r) => (
            <tr key={r}>
              {rows.length > 1 && <th scope="row">{r + 1}</th>}
              {row.map((cell, c) => (
                <td key={c} class={typeof cell === "string" ? "" : "number"}>
                  {typeof cell === "string" ? cell : printJson(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && <p class="hint">{rows.length - MOST_ROWS} more rows are in the JSON</p>}
    </ScrollRegion>
  );
}

function PictureView({ picture, name }: { readonly picture: Picture; readonly name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, rgba } = picture;
    canvas.current?.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [picture]);
  return <canvas ref={canvas} width={picture.width} height={picture.height} role="img" aria-label={name} />;
}

function read(text: string): Json | undefined {
  if (text.length > LONGEST) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length <= LONGEST_SHOWN
    ? text
    : `${text.slice(0, LONGEST_SHOWN)}\n... ${text.length - LONGEST_SHOWN} more characters`;
}
