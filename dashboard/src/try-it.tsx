import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SignatureDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { Answer } from "./answer.tsx";
import { Choice } from "./choice.tsx";
import { JsonFault, parseJson, printJson } from "./exact-json.ts";
import { ImageRuleFields } from "./image-rule-fields.tsx";
import { InputField } from "./input-field.tsx";
import { pixelFormOf } from "./input-kind.ts";
import { InputFault, type InputValue, initialValue } from "./input-value.ts";
import { live } from "./live.ts";
import { faultText } from "./loaded.ts";
import { buildRequest, columnsOf, type ImageRules, NO_RULES, type PredictRequest } from "./predict-request.ts";
import { RequestAsCode } from "./request-as-code.tsx";
import { isOneRow, RowFields } from "./row-fields.tsx";
import { keepRun, type Run, RunHistory } from "./run-history.tsx";
import { paths, predict } from "./server-calls.ts";
import { useStore } from "./store.ts";

const MODES = [
  ["form", "Form"],
  ["json", "JSON"],
] as const;

interface TryItProps {
  readonly model: string;
  /** Absent for the latest. */
  readonly version: string | undefined;
  readonly signature: SignatureDetail;
  /** A predict body the model is known to answer. */
  readonly example: string;
}

/** A form that knows the inputs, an editor for who knows better, and the answer. */
export function TryIt({ model, version, signature, example }: TryItProps) {
  const columns = useMemo(() => columnsOf(example, signature.inputs), [example, signature]);
  const [values, setValues] = useState<ReadonlyMap<string, InputValue>>(
    () =>
      new Map(
        signature.inputs.map((tensor) => [
          tensor.alias,
          tensor.optional && !columns.has(tensor.alias) ? { editor: "absent" } : initialValue(tensor, columns.get(tensor.alias)),
        ]),
      ),
  );
  const setValue = (alias: string, value: InputValue) => setValues((now) => new Map(now).set(alias, value));
  const [mode, setMode] = useState<"form" | "json">("form");
  const [body, setBody] = useState(() => pretty(example));
  const [rules, setRules] = useState<ImageRules>(NO_RULES);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [run, setRun] = useState<Run | undefined>(undefined);
  const [running, setRunning] = useState(false);
  const request = useBuiltRequest(mode, body, signature, values, rules);
  const path = paths.predict(model, version);
  const panel = useRef<HTMLDivElement>(null);
  const session = useStore(live.session);
  const mayRun = session?.grants.inference !== false;
  const hasPixels = [...values].some(
    ([alias, value]) =>
      value.editor === "files" && pixelFormOf(signature.inputs.find((one) => one.alias === alias)!) !== undefined,
  );

  const submit = async () => {
    if (running || !mayRun) return;
    setRunning(true);
    setFault(undefined);
    try {
      if (mode === "json") parseJson(body);
      const built: PredictRequest = mode === "json" ? { kind: "json", body } : await buildRequest(signature, values, rules);
      const answer = await predict(path, built);
      const made = { atMs: Date.now(), request: built, answer };
      keepRun(model, made);
      setRun(made);
    } catch (reason) {
      setFault(faultText(reason));
    } finally {
      setRunning(false);
    }
  };

  const edit = async () => {
    try {
      const built = await buildRequest(signature, values, NO_RULES);
      if (built.kind === "json") setBody(built.body);
    } catch (reason) {
      // What is not filled in yet leaves the editor with the example.
      if (!(reason instanceof InputFault)) throw reason;
    }
    setMode("json");
  };

  return (
    <div class="try" ref={panel}>
      <section class="panel" aria-labelledby="try">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void submit();
            }
          }}
        >
          <div class="panel-head">
            <h2 id="try">Try it</h2>
            <Choice
              name="How to write the request"
              options={MODES}
              chosen={mode}
              choose={(chosen) => (chosen === "json" ? void edit() : setMode("form"))}
            />
            <button type="submit" class="primary" disabled={running || !mayRun} title="Ctrl+Enter">
              {running ? "Running" : "Run"}
            </button>
          </div>
          <div class="pad stack">
            {!mayRun && (
              <p class="notice">
                {session?.name ?? "Who you are here"} may look, but not run models: that takes the inference grant.
              </p>
            )}
            {mode === "form" ? (
              <>
                {isOneRow(signature, values) ? (
                  <RowFields inputs={signature.inputs} values={values} change={setValue} />
                ) : (
                  signature.inputs.map((tensor) => (
                    <InputField
                      key={tensor.alias}
                      tensor={tensor}
                      example={columns.get(tensor.alias)}
                      value={values.get(tensor.alias)!}
                      change={(value) => setValue(tensor.alias, value)}
                    />
                  ))
                )}
                {signature.inputs.length === 0 && <p class="muted">The signature has no inputs.</p>}
                {hasPixels && <ImageRuleFields rules={rules} change={setRules} />}
              </>
            ) : (
              <JsonEditor body={body} change={setBody} />
            )}
            {fault !== undefined && (
              <p class="notice bad" role="alert">
                {fault}
              </p>
            )}
          </div>
        </form>
        <RequestAsCode model={model} version={version} signature={signature} path={path} request={request} />
      </section>
      <section class="panel" aria-labelledby="answer">
        <div class="panel-head">
          <h2 id="answer">Answer</h2>
        </div>
        <div aria-live="polite">
          {run === undefined ? (
            <p class="muted pad">Run the model to see what it answers. Ctrl+Enter does it from any field.</p>
          ) : (
            <Answer answer={run.answer} outputs={signature.outputs} />
          )}
        </div>
        <RunHistory
          model={model}
          current={run}
          choose={(chosen) => {
            setRun(chosen);
            if (chosen.request.kind === "json") {
              setBody(chosen.request.body);
              setMode("json");
            }
          }}
        />
      </section>
    </div>
  );
}

function JsonEditor({ body, change }: { readonly body: string; readonly change: (body: string) => void }) {
  const fault = faultOf(body);
  return (
    <div class="field">
      <div class="field-head">
        <label for="json-body">Request body</label>
        <button type="button" class="small" disabled={fault !== undefined} onClick={() => change(pretty(body))}>
          Format
        </button>
      </div>
      <textarea
        id="json-body"
        class="code"
        rows={Math.min(24, Math.max(8, body.split("\n").length + 1))}
        spellcheck={false}
        autocomplete="off"
        value={body}
        aria-invalid={fault !== undefined}
        aria-describedby="json-fault"
        onInput={(event) => change(event.currentTarget.value)}
      />
      <p id="json-fault" class={fault === undefined ? "hint" : "hint bad-text"}>
        {fault ?? "Valid JSON"}
      </p>
    </div>
  );
}

/** The request as it would be sent now; undefined while it is not complete. */
function useBuiltRequest(
  mode: "form" | "json",
  body: string,
  signature: SignatureDetail,
  values: ReadonlyMap<string, InputValue>,
  rules: ImageRules,
): PredictRequest | undefined {
  const [request, setRequest] = useState<PredictRequest | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    if (mode === "json") setRequest({ kind: "json", body });
    else {
      buildRequest(signature, values, rules).then(
        (built) => wanted && setRequest(built),
        () => wanted && setRequest(undefined),
      );
    }
    return () => {
      wanted = false;
    };
  }, [mode, body, signature, values, rules]);
  return request;
}

function faultOf(body: string): string | undefined {
  try {
    parseJson(body);
    return undefined;
  } catch (fault) {
    if (fault instanceof JsonFault) return fault.message;
    throw fault;
  }
}

function pretty(body: string): string {
  return faultOf(body) === undefined ? printJson(parseJson(body), { indented: true }) : body;
}
