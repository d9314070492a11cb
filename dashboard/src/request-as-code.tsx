import { useEffect, useState } from "preact/hooks";
import type { SignatureDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { CodeBlock } from "./code-block.tsx";
import { LANGUAGES } from "./languages.ts";
import { live } from "./live.ts";
import { useLoaded } from "./loaded.ts";
import { curlOf, type PredictRequest, type ProgramBody, programBody } from "./predict-request.ts";
import { absolute, getClient } from "./server-calls.ts";
import { useStore } from "./store.ts";

interface RequestAsCodeProps {
  readonly model: string;
  readonly version: string | undefined;
  readonly signature: SignatureDetail;
  readonly path: string;
  readonly request: PredictRequest | undefined;
}

/** The request as a command, or as a program in a language. */
export function RequestAsCode({ model, version, signature, path, request }: RequestAsCodeProps) {
  const [language, setLanguage] = useState("curl");
  const user = useStore(live.session)?.name;
  return (
    <section class="as-code" aria-labelledby="as-code">
      <div class="panel-head">
        <h3 id="as-code">Call it from</h3>
        <label class="field-inline">
          <span class="unseen">Language</span>
          <select value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
            <option value="curl">curl</option>
            {LANGUAGES.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="pad">
        {language !== "curl" ? (
          <Program key={language} model={model} version={version} signature={signature} language={language} request={request} />
        ) : request === undefined ? (
          <p class="muted">Fill in the form to see the command.</p>
        ) : (
          <CodeBlock name="the command" code={curlOf(absolute(path), request, user)} />
        )}
      </div>
    </section>
  );
}

interface ProgramProps {
  readonly model: string;
  readonly version: string | undefined;
  readonly signature: SignatureDetail;
  readonly language: string;
  readonly request: PredictRequest | undefined;
}

const HINTS: Readonly<Record<"whole" | "without-rules" | "too-long", string>> = {
  whole: "It sends this request. Programs that speak gRPC are on the page of clients.",
  "without-rules": "It sends this image; the rules for how it becomes numbers go into the query of its URL, as in ?resize=cover.",
  "too-long": "This request is too long for a program: it sends the model's example instead.",
};

/** Milliseconds without a change before a program is asked for: nobody reads those of half a number. */
const PAUSE_MS = 250;

function Program({ model, version, signature, language, request }: ProgramProps) {
  const sent = useSettled(useProgramBody(request, signature), PAUSE_MS);
  const body = sent !== undefined && "body" in sent ? sent.body : undefined;
  const known = sent?.kind === "too-long" || body !== undefined;
  const source = useLoaded(
    async () =>
      known
        ? await getClient({
            model,
            language,
            protocol: "rest",
            ...(version !== undefined && { version }),
            ...(body === undefined ? { signature: signature.name } : { body }),
          })
        : undefined,
    [model, version, signature, language, known, body],
    { keep: true },
  );
  if (request === undefined || sent?.kind === "incomplete") {
    return <p class="muted">Complete the request to see the program.</p>;
  }
  if (source.kind === "failed") return <p class="notice bad">{source.message}</p>;
  if (sent === undefined || source.kind === "loading" || source.value === undefined) {
    return <p class="muted">Asking the server ...</p>;
  }
  return (
    <>
      <p class="hint">{HINTS[sent.kind]}</p>
      <CodeBlock name="the program" code={source.value.text} fileName={source.value.fileName} />
    </>
  );
}

/** What a program can send of the request; undefined while that is not known. */
function useProgramBody(request: PredictRequest | undefined, signature: SignatureDetail): ProgramBody | undefined {
  const [sent, setSent] = useState<ProgramBody | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    if (request === undefined) setSent(undefined);
    else {
      programBody(request, signature).then(
        (made) => wanted && setSent(made),
        // A file that has gone since it was chosen.
        () => wanted && setSent({ kind: "incomplete" }),
      );
    }
    return () => {
      wanted = false;
    };
  }, [request, signature]);
  return sent;
}

/** A value as it was when it had last not changed for so long; the first one at once. */
function useSettled<T>(value: T | undefined, afterMs: number): T | undefined {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settled === undefined ? 0 : afterMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
