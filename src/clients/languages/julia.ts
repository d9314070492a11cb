import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, isAstral, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Julia. */
export function juliaString(text: string): string {
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\$]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => (isAstral(sign) ? `\\U${hexCode(sign, 8)}` : `\\u${hexCode(sign, 4)}`));
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: juliaString,
    fill: (element, sizes) => `filled(${[element, ...sizes].join(", ")})`,
    join: (parts) => `string(${parts.join(", ")})`,
  });
  const authority = tls ? ["For an authority of the server's own: JULIA_SSL_CA_ROOTS_PATH=FILE."] : [];
  return joinLines(
    comment("#", [...programHead(program, "Julia 1.6, and no packages", false), ...authority]),
    authentication === "basic" && "using Base64",
    "using Downloads",
    "",
    hasFilled(body) && FILLED,
    `url = get(ENV, "MODELPORT_URL", ${juliaString(url)}) * ${juliaString(path)}`,
    `body = ${text}`,
    'headers = ["Content-Type" => "application/json"]',
    authentication === "basic" && BASIC,
    authentication === "bearer" && 'push!(headers, "Authorization" => "Bearer " * get(ENV, "MODELPORT_TOKEN", ""))',
    MAIN_END,
  );
}

const FILLED = `\
"JSON text repeated into nested lists, the innermost size first."
function filled(text, sizes...)
    for size in sizes
        text = "[" * join(fill(text, size), ",") * "]"
    end
    return text
end
`;

const BASIC = `\
credentials = get(ENV, "MODELPORT_USER", "") * ":" * get(ENV, "MODELPORT_PASSWORD", "")
push!(headers, "Authorization" => "Basic " * base64encode(credentials))`;

const MAIN_END = `
answer = IOBuffer()
response = Downloads.request(url; method="POST", headers=headers, input=IOBuffer(body), output=answer, timeout=60)
if response.status != 200
    println(stderr, response.status, ": ", String(take!(answer)))
    exit(1)
end
println(String(take!(answer)))`;

/** Julia's standard library. */
export const JULIA: ClientLanguage = {
  name: "julia",
  aliases: ["jl"],
  title: "Julia",
  fileName: "client.jl",
  mediaType: "text/x-julia",
  write: { rest },
};
