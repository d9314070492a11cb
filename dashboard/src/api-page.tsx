import { useMemo } from "preact/hooks";
import { type Content, type Operation, operationGroups, schemaText } from "./api-document.ts";
import { CodeBlock } from "./code-block.tsx";
import { type Json, parseJson, printJson } from "./exact-json.ts";
import { useLoaded } from "./loaded.ts";
import { Preformatted, ScrollRegion } from "./region.tsx";
import { printRoute } from "./route.ts";
import { getText, paths } from "./server-calls.ts";

/** What can be asked of the server, by its own OpenAPI document. */
export function ApiPage() {
  const loaded = useLoaded(async () => parseJson(await getText(paths.openApi)), []);
  const document = loaded.kind === "loaded" ? loaded.value : null;
  const groups = useMemo(() => operationGroups(document), [document]);
  return (
    <>
      <div class="page-head">
        <h1>API</h1>
        <p class="muted">
          By the server's <a href={paths.openApi}>OpenAPI document</a>, which has a schema for each model
        </p>
      </div>
      {loaded.kind === "failed" && <p class="panel notice bad">{loaded.message}</p>}
      {loaded.kind === "loading" && <p class="muted">Asking the server ...</p>}
      {groups.map(({ name, operations }) => (
        <section key={name} class="panel" aria-labelledby={`api-${name}`}>
          <div class="panel-head">
            <h2 id={`api-${name}`}>{name}</h2>
          </div>
          {operations.map((operation) => (
            <OperationView key={`${operation.method} ${operation.path}`} document={document} operation={operation} />
          ))}
        </section>
      ))}
    </>
  );
}

interface OperationViewProps {
  readonly document: Json;
  readonly operation: Operation;
}

function OperationView({ document, operation }: OperationViewProps) {
  const { method, path, summary, description, parameters, request, responses } = operation;
  const model = modelOf(path);
  return (
    <details class="operation">
      <summary>
        <span class={`method ${method.toLowerCase()}`}>{method}</span>
        <code class="path">{path}</code>
        <span class="help">{summary}</span>
      </summary>
      <div class="pad stack">
        {description !== "" && description !== summary && <p class="description">{description}</p>}
        {model !== undefined && (
          <p>
            <a href={printRoute({ page: "model", model })}>Try {model}</a>
          </p>
        )}
        {parameters.length > 0 && <Parameters operation={operation} />}
        {request && <ContentView title="Request" document={document} content={request} />}
        {responses.map((response) => (
          <div key={response.status}>
            <h3>
              <span class={`badge ${response.status.startsWith("2") ? "ok" : "off"}`}>{response.status}</span>{" "}
              {response.description}
            </h3>
            {response.content?.schema !== undefined && (
              <Preformatted name={`Answer ${response.status}`}>{schemaText(document, response.content.schema)}</Preformatted>
            )}
          </div>
        ))}
      </div>
    </details>
  );
}

function Parameters({ operation: { parameters, path } }: { readonly operation: Operation }) {
  return (
    <ScrollRegion name={`Parameters of ${path}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Parameter</th>
            <th scope="col">In</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {parameters.map(({ name, place, required, description }) => (
            <tr key={`${place} ${name}`}>
              <th scope="row">
                <code>{name}</code>
                {required && <span class="badge off">required</span>}
              </th>
              <td>{place}</td>
              <td>{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

interface ContentViewProps {
  readonly title: string;
  readonly document: Json;
  readonly content: Content;
}

function ContentView({ title, document, content: { mediaType, schema, example } }: ContentViewProps) {
  return (
    <div>
      <h3>
        {title} <span class="muted">{mediaType}</span>
      </h3>
      {schema !== undefined && <Preformatted name={`${title}, schema`}>{schemaText(document, schema)}</Preformatted>}
      {example !== undefined && (
        <>
          <h4>Example</h4>
          <CodeBlock name="the example" code={typeof example === "string" ? example : printJson(example, { indented: true })} />
        </>
      )}
    </div>
  );
}

/** The model that a path is about, where it names one. */
function modelOf(path: string): string | undefined {
  const [, name] = /^\/v1\/models\/([^/:{}]+)/.exec(path) ?? [];
  try {
    return name === undefined ? undefined : decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
