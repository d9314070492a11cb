import type { ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { grpcRequest } from "../grpc-request.ts";
import { printJson } from "../json-tree.ts";
import { grpcProgramHead } from "../program-head.ts";
import { shellWord } from "./bash-literal.ts";

/** Bash with grpcurl, which learns the messages from the server's reflection. */
export function bashGrpc(program: ClientProgram): string {
  const { authentication, grpcAddress, grpcTls } = program;
  return joinLines(
    "#!/usr/bin/env bash",
    comment("#", grpcProgramHead(program, "grpcurl 1.8")),
    "set -euo pipefail",
    "",
    `server=\${MODELPORT_GRPC:-${grpcAddress}}`,
    `request=${shellWord(printJson(grpcRequest(program, "map")))}`,
    `options=(-max-time 60 -d @${grpcTls ? "" : " -plaintext"})`,
    grpcTls && `options+=(\${MODELPORT_CA:+-cacert "$MODELPORT_CA"})`,
    authentication === "basic" && BASIC,
    authentication === "bearer" && BEARER,
    "",
    `grpcurl "\${options[@]}" "$server" tensorflow.serving.PredictionService/Predict <<<"$request"`,
  );
}

const BASIC = `\
# The credentials come by the environment: other users see a command's arguments.
export authorization="Basic $(printf '%s:%s' "\${MODELPORT_USER:-}" "\${MODELPORT_PASSWORD:-}" | base64 | tr -d '\\n')"
options+=(-expand-headers -H 'authorization: \${authorization}')`;

const BEARER = `\
export authorization="Bearer \${MODELPORT_TOKEN:-}"
options+=(-expand-headers -H 'authorization: \${authorization}')`;
