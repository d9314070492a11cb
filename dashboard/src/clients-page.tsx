import { useState } from "preact/hooks";
import { Choice } from "./choice.tsx";
import { CodeBlock } from "./code-block.tsx";
import { LANGUAGES } from "./languages.ts";
import { live } from "./live.ts";
import { useLoaded } from "./loaded.ts";
import { getClient } from "./server-calls.ts";
import { useStore } from "./store.ts";

const PROTOCOLS = [
  ["rest", "REST"],
  ["grpc", "gRPC"],
] as const;

/** Programs that call a model, in a language of choice. */
export function ClientsPage() {
  const state = useStore(live.state);
  const served = (state?.models ?? []).filter(({ versions }) => versions.some((version) => version.state === "AVAILABLE"));
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [language, setLanguage] = useState("python");
  const [protocol, setProtocol] = useState<"rest" | "grpc">("rest");
  const model = served.find(({ name }) => name === chosen)?.name ?? served[0]?.name;
  const offered = LANGUAGES.find(({ name }) => name === language) ?? LANGUAGES[0]!;
  const spoken = offered.protocols.includes(protocol) ? protocol : "rest";
  return (
    <>
      <div class="page-head">
        <h1>Clients</h1>
        <p class="muted">A complete program that calls a model, with a request the model is known to answer.</p>
      </div>
      {model === undefined ? (
        <p class="panel notice">{state === undefined ? "Asking the server ..." : "No model has an available version to call."}</p>
      ) : (
        <section class="panel" aria-label="Program">
          <div class="panel-head">
            <label class="field-inline">
              Model
              <select value={model} onChange={(event) => setChosen(event.currentTarget.value)}>
                {served.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <label class="field-inline">
              Language
              <select value={offered.name} onChange={(event) => setLanguage(event.currentTarget.value)}>
                {LANGUAGES.map(({ name, title }) => (
                  <option key={name} value={name}>
                    {title}
                  </option>
                ))}
              </select>
            </label>
            <Choice
              name="Protocol"
              options={PROTOCOLS}
              chosen={spoken}
              choose={setProtocol}
              {...(!offered.protocols.includes("grpc") && {
                barred: new Map([["grpc" as const, `There is no gRPC client in ${offered.title}`]]),
              })}
            />
          </div>
          <Program key={`${model} ${offered.name} ${spoken}`} model={model} language={offered.name} protocol={spoken} />
        </section>
      )}
    </>
  );
}

interface ProgramProps {
  readonly model: string;
  readonly language: string;
  readonly protocol: "rest" | "grpc";
}

function Program({ model, language, protocol }: ProgramProps) {
  const source = useLoaded(() => getClient({ model, language, protocol }), [model, language, protocol]);
  return (
    <div class="pad">
      {source.kind === "loading" ? (
        <p class="muted">Asking the server ...</p>
      ) : source.kind === "failed" ? (
        <p class="notice bad">{source.message}</p>
      ) : (
        <CodeBlock name="the program" code={source.value.text} fileName={source.value.fileName} />
      )}
    </div>
  );
}
