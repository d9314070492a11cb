import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in PowerShell, to which typographic quotes are quotes too. */
export function powershellString(text: string): string {
  return `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`;
}

function rest(program: ClientProgram): string {
  const { authentication, url, path, body } = program;
  const text = bodyText(body, {
    literal: powershellString,
    fill: (element, sizes) => `(Fill ${element} @(${sizes.join(", ")}))`,
    join: (parts) => parts.join(" + "),
  });
  return joinLines(
    comment("#", programHead(program, "PowerShell 7", false)),
    "$ErrorActionPreference = 'Stop'",
    hasFilled(body) && FILL,
    `$url = if ($env:MODELPORT_URL) { $env:MODELPORT_URL } else { ${powershellString(url)} }`,
    `$body = ${text}`,
    "$headers = @{}",
    authentication === "basic" && BASIC,
    authentication === "bearer" && "$headers['Authorization'] = 'Bearer ' + $env:MODELPORT_TOKEN",
    REQUEST(powershellString(path)),
  );
}

const FILL = `
# JSON text repeated into nested lists, the innermost size first.
function Fill([string] $text, [int[]] $sizes) {
    foreach ($size in $sizes) { $text = '[' + ((, $text * $size) -join ',') + ']' }
    return $text
}
`;

const BASIC = `\
$credentials = [Text.Encoding]::UTF8.GetBytes($env:MODELPORT_USER + ':' + $env:MODELPORT_PASSWORD)
$headers['Authorization'] = 'Basic ' + [Convert]::ToBase64String($credentials)`;

const REQUEST = (path: string) => `\
$request = @{
    Uri                = $url + ${path}
    Method             = 'Post'
    ContentType        = 'application/json'
    Body               = $body
    Headers            = $headers
    TimeoutSec         = 60
    SkipHttpErrorCheck = $true
}
$response = Invoke-WebRequest @request
if ($response.StatusCode -ne 200) {
    [Console]::Error.WriteLine("$($response.StatusCode): $($response.Content)")
    exit 1
}
$response.Content`;

/** PowerShell with Invoke-WebRequest. */
export const POWERSHELL: ClientLanguage = {
  name: "powershell",
  aliases: ["pwsh", "ps1"],
  title: "PowerShell",
  fileName: "client.ps1",
  mediaType: "text/x-powershell",
  write: { rest },
};
