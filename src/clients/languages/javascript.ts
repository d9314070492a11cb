import { bodyData, type DataStyle, someNumber } from "../body-data.ts";
import { hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { printJson } from "../json-tree.ts";
import { programHead } from "../program-head.ts";
import { javascriptGrpc } from "./javascript-grpc.ts";
import { javascriptString } from "./javascript-literal.ts";

const STYLE: DataStyle = {
  string: javascriptString,
  // Without brackets an object literal would make a prototype of it and no key.
  name: (name) => (name === "__proto__" ? '["__proto__"]' : javascriptString(name)),
  list: ["[", "]"],
  object: ["{", "}"],
  arrow: ": ",
  words: { true: "true", false: "false", null: "null" },
  indent: "  ",
  fill: (element, sizes) => `filled(${[element, ...sizes].join(", ")})`,
};

/** Whether JavaScript reads another number than JSON's. */
function losesDigits(digits: string): boolean {
  return /^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits));
}

/** What types add to a program. */
interface Types {
  readonly needs: string;
  readonly text: string;
  readonly filled: string;
  readonly headers: string;
  readonly answer: string;
}

const NONE: Types = {
  needs: "Node 18, Deno, Bun or a browser, and no packages",
  text: "",
  filled: "value, ...sizes",
  headers: "",
  answer: "",
};

const TYPED: Types = {
  needs: "Node 22.18, Deno or Bun, and no packages",
  text: ": string",
  filled: "value: unknown, ...sizes: number[]",
  headers: ": Record<string, string>",
  answer: ": { [key: string]: unknown }",
};

function rest(program: ClientProgram, types: Types): string {
  const { authentication, tls, url, path, body, answerKey } = program;
  const exact = !someNumber(body, losesDigits);
  const authority = tls ? ["For an authority of the server's own start Node with NODE_EXTRA_CA_CERTS=FILE."] : [];
  return joinLines(
    comment("//", [...programHead(program, types.needs, false), ...authority]),
    "const environment = globalThis.process?.env ?? {};",
    `const url = environment.MODELPORT_URL ?? ${javascriptString(url)};`,
    hasFilled(body) && exact && filled(types),
    exact
      ? `const body = JSON.stringify(${bodyData(body, STYLE)});`
      : `// JSON as it is: its numbers have more digits than JavaScript's.\nconst body = ${javascriptString(printJson(body))};`,
    `const headers${types.headers} = { "Content-Type": "application/json" };`,
    authentication === "basic" && BASIC,
    authentication === "bearer" && 'headers.Authorization = "Bearer " + (environment.MODELPORT_TOKEN ?? "");',
    "",
    `const response = await fetch(url + ${javascriptString(path)}, { method: "POST", headers, body });`,
    "const text = await response.text();",
    'if (!response.ok) throw new Error(response.status + ": " + text);',
    "try {",
    "  // JSON.parse rounds integers beyond 2^53; the text has all their digits.",
    `  const answer${types.answer} = JSON.parse(text);`,
    `  console.log(JSON.stringify(answer.${answerKey}));`,
    "} catch {",
    "  // A NaN or Infinity in an answer is not JSON to JSON.parse.",
    "  console.log(text);",
    "}",
  );
}

function filled({ filled: parameters }: Types): string {
  return `\
function filled(${parameters}) {
  return sizes.reduceRight((inner, size) => Array(size).fill(inner), value);
}
`;
}

const BASIC = `\
const credentials = \`\${environment.MODELPORT_USER ?? ""}:\${environment.MODELPORT_PASSWORD ?? ""}\`;
headers.Authorization = \`Basic \${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}\`;`;

/** JavaScript with `fetch`, for Node and for browsers; with grpc-js for gRPC. */
export const JAVASCRIPT: ClientLanguage = {
  name: "javascript",
  aliases: ["js", "node", "nodejs"],
  title: "JavaScript",
  fileName: "client.mjs",
  mediaType: "text/javascript",
  write: { rest: (program) => rest(program, NONE), grpc: (program) => javascriptGrpc(program, false) },
};

/** The same with types. */
export const TYPESCRIPT: ClientLanguage = {
  name: "typescript",
  aliases: ["ts"],
  title: "TypeScript",
  fileName: "client.ts",
  mediaType: "text/x-typescript",
  write: { rest: (program) => rest(program, TYPED), grpc: (program) => javascriptGrpc(program, true) },
};
