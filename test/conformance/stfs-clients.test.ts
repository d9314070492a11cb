import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../support/folders.ts";
import { freePort, type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY } from "../support/tensorflow.ts";

/** The port that Simple TensorFlow Serving's clients call, whatever they are told. */
const PORT = 8500;

/** The folder `clients` of Simple TensorFlow Serving's repository; its files are run as they are. */
const CLIENTS = process.env.MODELPORT_STFS_CLIENTS;

/** A client's program, the command that runs it, and what that needs. */
interface Client {
  readonly language: string;
  readonly file: string;
  readonly command: readonly string[];
  readonly needs: readonly string[];
}

const python = process.env.MODELPORT_STFS_PYTHON ?? "python3";

/** NODE_PATH says where the package `request` is, and MODELPORT_STFS_PYTHON which Python has `requests`. */
const LANGUAGES: readonly Client[] = [
  { language: "Python", file: "python_client/client.py", command: [python], needs: [python, "-c", "import requests"] },
  {
    language: "Python, with a password",
    file: "python_client/auth_client.py",
    command: [python],
    needs: [python, "-c", "import requests"],
  },
  { language: "bash", file: "bash_client/client.sh", command: ["bash"], needs: ["curl", "--version"] },
  { language: "bash, with a password", file: "bash_client/auth_client.sh", command: ["bash"], needs: ["curl", "--version"] },
  { language: "Go", file: "go_client/client.go", command: ["go", "run"], needs: ["go", "version"] },
  { language: "JavaScript", file: "javascript_client/client.js", command: ["node"], needs: ["node", "-e", "require('request')"] },
  { language: "Ruby", file: "ruby_client/client.rb", command: ["ruby"], needs: ["ruby", "-e", "require 'json'"] },
  { language: "PHP", file: "php_client/client.php", command: ["php"], needs: ["php", "-r", "curl_init();"] },
  { language: "Perl", file: "perl_client/client.pl", command: ["perl"], needs: ["perl", "-MLWP::UserAgent", "-e", "1"] },
  {
    language: "Lua",
    file: "lua_client/client.lua",
    command: ["lua"],
    needs: ["lua", "-e", "require('socket.http'); require('json')"],
  },
  { language: "R", file: "r_client/client.R", command: ["Rscript"], needs: ["Rscript", "-e", "library(httr); library(xml2)"] },
];

const portIsFree = await new Promise<boolean>((resolve) => {
  const probe = createServer();
  probe.once("error", () => resolve(false));
  probe.listen(PORT, "127.0.0.1", () => probe.close(() => resolve(true)));
});

const missing =
  CLIENTS === undefined || !existsSync(join(CLIENTS, "bash_client"))
    ? "without MODELPORT_STFS_CLIENTS, the folder clients of Simple TensorFlow Serving's repository"
    : portIsFree
      ? undefined
      : `while somebody listens on port ${PORT}`;

/** What a program prints on its standard output; fails with all of it when it does not end well. */
async function output(command: readonly string[]): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const printed = { out: "", all: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed.out += text;
    printed.all += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed.all += text));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect(code, printed.all).toBe(0);
  return printed.out;
}

const models = ["onnx", ...(LIBRARY === undefined ? [] : ["tensorflow"])];

describe.skipIf(missing !== undefined)(`Simple TensorFlow Serving's own clients (skipped ${missing ?? "no more"})`, () => {
  describe.each(models)("ask an equivalent model of %s", (kind) => {
    let server: RunningServer;
    const golden = JSON.parse(readFileSync(fixture("stfs-equivalent", "golden.json"), "utf8")) as {
      readonly softmax: readonly number[];
      readonly prediction: number;
    };

    beforeAll(async () => {
      const flags = [`--model_base_path=${fixture("stfs-equivalent", kind)}`, `--port=${PORT}`, "--auto_install_runtimes=false"];
      const rest = await freePort();
      server = await startServer(
        [...flags, `--rest_api_port=${rest}`, ...(LIBRARY === undefined ? [] : [`--tensorflow_library=${LIBRARY}`])],
        { ports: [PORT, rest] },
      );
    }, 120_000);

    afterAll(async () => {
      await server?.stop();
    });

    test.for(LANGUAGES)("in $language", { timeout: 120_000 }, async ({ file, command, needs }, { skip }) => {
      const [program, ...args] = needs;
      if (spawnSync(program!, args).status !== 0) skip(`this fails: ${needs.join(" ")}`);
      const text = await output([...command, join(CLIENTS!, file)]);
      // Of what is printed the answer is the last object; JavaScript's own notation has names without quotes.
      const answer = JSON.parse(/\{[^{}]*\}\s*$/.exec(text)![0].replace(/(?<=[{,\s])(\w+):/g, '"$1":')) as {
        readonly keys: readonly (readonly number[])[];
        readonly prediction: readonly number[];
        readonly softmax: readonly (readonly number[])[];
      };
      // The example with a password and most others send 11 as the first key, one of Python's and Lua's 1.
      expect([
        [[11], [2]],
        [[1], [2]],
      ]).toContainEqual(answer.keys);
      expect(answer.prediction).toEqual([golden.prediction, golden.prediction]);
      expect(answer.softmax).toHaveLength(2);
      for (const row of answer.softmax) {
        expect(row).toHaveLength(golden.softmax.length);
        for (const [index, value] of row.entries()) expect(value).toBeCloseTo(golden.softmax[index]!, 5);
      }
    });
  });
});
