import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { bashGrpc } from "./bash-grpc.ts";
import { shellWord } from "./bash-literal.ts";

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: shellWord,
    fill: (element, sizes) => `"$(fill ${[element, ...sizes].join(" ")})"`,
    join: (parts) => parts.join(""),
  });
  return joinLines(
    "#!/usr/bin/env bash",
    comment("#", programHead(program, "curl 7.76", true)),
    "set -euo pipefail",
    "",
    hasFilled(body) && FILL,
    `url=\${MODELPORT_URL:-${url}}`,
    `body=${text}`,
    `options=(--silent --show-error --fail-with-body --max-time 60 --header 'Content-Type: application/json')`,
    tls && `options+=(\${MODELPORT_CA:+--cacert "$MODELPORT_CA"})`,
    authentication === "basic" && BASIC,
    authentication === "bearer" && BEARER,
    "",
    "# The body and the credentials come by pipe: other users see a command's arguments.",
    `curl "\${options[@]}" --data-binary @- "$url${path}" <<<"$body"${authentication === "none" ? "" : " 3< <(credentials)"}`,
  );
}

const FILL = `\
# fill ELEMENT SIZE...: nested lists, the innermost size first
fill() {
  local text=$1 size
  shift
  for size in "$@"; do
    text="[$(awk -v n="$size" '{ for (i = 1; i <= n; i++) printf "%s%s", (i > 1 ? "," : ""), $0 }' <<<"$text")]"
  done
  printf '%s' "$text"
}
`;

const BASIC = `\
options+=(--config /dev/fd/3)
credentials() { printf 'user = "%s"\\n' "$(quoted "\${MODELPORT_USER:-}:\${MODELPORT_PASSWORD:-}")"; }
quoted() { sed 's/[\\\\"]/\\\\&/g' <<<"$1"; }`;

const BEARER = `\
options+=(--config /dev/fd/3)
credentials() { printf 'header = "Authorization: Bearer %s"\\n' "\${MODELPORT_TOKEN:-}"; }`;

/** Bash with curl, and with grpcurl for gRPC. */
export const BASH: ClientLanguage = {
  name: "bash",
  aliases: ["sh", "shell", "curl"],
  title: "Bash",
  fileName: "client.sh",
  mediaType: "text/x-shellscript",
  write: { rest, grpc: bashGrpc },
};
