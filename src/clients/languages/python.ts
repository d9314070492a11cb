import { bodyData } from "../body-data.ts";
import { hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { pythonGrpc } from "./python-grpc.ts";
import { PYTHON_DATA, pythonString } from "./python-literal.ts";

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body, answerKey } = program;
  const basic = authentication === "basic";
  return joinLines(
    comment("#", programHead(program, "Python 3.8, and no packages", true)),
    basic && "import base64",
    "import json",
    "import os",
    tls && "import ssl",
    "import sys",
    "import urllib.error",
    "import urllib.request",
    "",
    `url = os.environ.get("MODELPORT_URL", ${pythonString(url)})`,
    hasFilled(body) && FILLED,
    `body = ${bodyData(body, PYTHON_DATA)}`,
    `request = urllib.request.Request(url + ${pythonString(path)}, json.dumps(body).encode())`,
    'request.add_header("Content-Type", "application/json")',
    basic && BASIC,
    authentication === "bearer" && 'request.add_header("Authorization", "Bearer " + os.environ.get("MODELPORT_TOKEN", ""))',
    tls && 'trusted = ssl.create_default_context(cafile=os.environ.get("MODELPORT_CA"))',
    "",
    "try:",
    `    with urllib.request.urlopen(request, timeout=60${tls ? ", context=trusted" : ""}) as response:`,
    "        answer = json.load(response)",
    "except urllib.error.HTTPError as error:",
    '    sys.exit(f"{error.code}: {error.read().decode()}")',
    "except OSError as error:",
    "    sys.exit(str(error))",
    `print(json.dumps(answer["${answerKey}"]))`,
  );
}

const FILLED = `

def filled(value, *sizes):
    for size in reversed(sizes):
        value = [value] * size
    return value

`;

const BASIC = `\
credentials = os.environ.get("MODELPORT_USER", "") + ":" + os.environ.get("MODELPORT_PASSWORD", "")
request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())`;

/** Python's standard library for REST, grpcio for gRPC. */
export const PYTHON: ClientLanguage = {
  name: "python",
  aliases: ["py", "python3"],
  title: "Python",
  fileName: "client.py",
  mediaType: "text/x-python",
  write: { rest, grpc: pythonGrpc },
};
