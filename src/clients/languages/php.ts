import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in PHP: single quotes where they will do. */
export function phpString(text: string): string {
  if (/^[ -~]*$/.test(text)) return `'${text.replace(/['\\]/g, "\\$&")}'`;
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\$]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\u{${hexCode(sign, 1)}}`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: phpString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => parts.join(" . "),
  });
  return joinLines(
    "<?php",
    comment("//", programHead(program, `PHP 7.4${tls ? " with openssl" : ", and no extensions"}`, true)),
    "",
    hasFilled(body) && FILL,
    `$url = (getenv('MODELPORT_URL') ?: ${phpString(url)}) . ${phpString(path)};`,
    `$body = ${text};`,
    "$headers = ['Content-Type: application/json'];",
    authentication === "basic" && BASIC,
    authentication === "bearer" && "$headers[] = 'Authorization: Bearer ' . getenv('MODELPORT_TOKEN');",
    HTTP,
    tls && "if (getenv('MODELPORT_CA')) {\n    $options['ssl'] = ['cafile' => getenv('MODELPORT_CA')];\n}",
    ANSWER,
  );
}

const FILL = `\
// JSON text repeated into nested lists, the innermost size first.
function fill(string $text, int ...$sizes): string
{
    foreach ($sizes as $size) {
        $text = '[' . implode(',', array_fill(0, $size, $text)) . ']';
    }
    return $text;
}
`;

const BASIC = `\
$credentials = getenv('MODELPORT_USER') . ':' . getenv('MODELPORT_PASSWORD');
$headers[] = 'Authorization: Basic ' . base64_encode($credentials);`;

const HTTP = `\
$http = ['method' => 'POST', 'header' => $headers, 'content' => $body, 'timeout' => 60, 'ignore_errors' => true];
$options = ['http' => $http];`;

const ANSWER = `\

$answer = file_get_contents($url, false, stream_context_create($options));
if ($answer === false || !preg_match('/^HTTP\\S* 200 /', $http_response_header[0])) {
    fwrite(STDERR, ($http_response_header[0] ?? 'no answer') . ": $answer\\n");
    exit(1);
}
echo $answer, "\\n";`;

/** PHP's own streams. */
export const PHP: ClientLanguage = {
  name: "php",
  aliases: [],
  title: "PHP",
  fileName: "client.php",
  mediaType: "text/x-php",
  write: { rest },
};
