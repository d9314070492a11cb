import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, isAstral, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in R, which has no character 0: that becomes U+FFFD. */
export function rString(text: string): string {
  const escaped = text
    .replace(/\0|\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => (isAstral(sign) ? `\\U${hexCode(sign, 8)}` : `\\u${hexCode(sign, 4)}`));
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: rString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => `paste0(${parts.join(", ")})`,
  });
  const options = [
    authentication === "basic" && 'authenticate(Sys.getenv("MODELPORT_USER"), Sys.getenv("MODELPORT_PASSWORD"))',
    authentication === "bearer" && 'add_headers(Authorization = paste("Bearer", Sys.getenv("MODELPORT_TOKEN")))',
    tls && 'if (nzchar(Sys.getenv("MODELPORT_CA"))) config(cainfo = Sys.getenv("MODELPORT_CA")) else config()',
  ].filter((option) => option !== false);
  return joinLines(
    comment("#", programHead(program, 'the package httr: install.packages("httr")', true)),
    "library(httr)",
    "",
    hasFilled(body) && FILL,
    `url <- paste0(Sys.getenv("MODELPORT_URL", ${rString(url)}), ${rString(path)})`,
    `body <- ${text}`,
    `response <- POST(${["url", "body = body", 'content_type("application/json")', "timeout(60)", ...options].join(",\n                 ")})`,
    'answer <- content(response, "text", encoding = "UTF-8")',
    'if (http_error(response)) {\n  message(status_code(response), ": ", answer)\n  quit(status = 1)\n}',
    'cat(answer, "\\n")',
  );
}

const FILL = `\
# JSON text repeated into nested lists, the innermost size first.
fill <- function(text, ...) {
  for (size in c(...)) text <- paste0("[", paste(rep(text, size), collapse = ","), "]")
  text
}
`;

/** R with httr. */
export const R: ClientLanguage = {
  name: "r",
  aliases: ["rscript"],
  title: "R",
  fileName: "client.R",
  mediaType: "text/x-r",
  write: { rest },
};
