import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FLAGS } from "../../src/config/flags.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { freePort, runCommand, startServer } from "../support/server.ts";

const folder = temporaryFolder();

beforeAll(() => {
  cpSync(HALF_PLUS_TWO, join(folder.path, "mixed", "good", "7", "model.onnx"), { recursive: true });
  mkdirSync(join(folder.path, "mixed", "bad"));
  writeFileSync(join(folder.path, "mixed", "bad", "model.onnx"), "not a model");
  mkdirSync(join(folder.path, "empty"));
});
afterAll(() => folder.remove());

describe("inspect", () => {
  test("shows what would be served, and ends with 0 when all of it loads", async () => {
    const { code, stdout, stderr } = await runCommand(["inspect", join(folder.path, "mixed", "good")]);
    expect(stdout.split("\n")).toEqual([
      "  MODEL  VERSION  PLATFORM  WHY               STATE",
      "  good   7        onnx      holds model.onnx  LOADS",
      expect.stringMatching(/^ {4}serving_default\(x: float32\[.*\]\) -> y: float32\[.*\]$/),
      "",
    ]);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("shows why a model does not load, and ends with 1", async () => {
    const { code, stdout } = await runCommand(["inspect", join(folder.path, "mixed")]);
    expect(stdout).toMatch(/bad +1 +onnx +holds model\.onnx +FAILS\n {4}model\.onnx .+/);
    expect(stdout).toMatch(/good +7 +onnx +holds model\.onnx +LOADS/);
    expect(stdout).not.toContain(folder.path);
    expect(code).toBe(1);
  });

  test("takes a config file, and shows versions that a policy chooses and finds missing", async () => {
    const file = join(folder.path, "models.config");
    const base = join(folder.path, "mixed", "good");
    writeFileSync(
      file,
      `model_config_list {
        config { name: "a" base_path: "${base}" model_platform: "onnx" }
        config { name: "b" base_path: "${base}" model_platform: "onnx" model_version_policy { specific { versions: 9 } } } }`,
    );
    const { code, stdout } = await runCommand(["inspect", "--model_config_file", file]);
    expect(stdout).toMatch(/a +7 +onnx/);
    expect(stdout).toMatch(/b +- +- +- +FAILS\n {4}there is no version to serve/);
    expect(code).toBe(1);
  });

  test.each<[string, () => string[], RegExp]>([
    ["a path that is not there", () => [join(folder.path, "none")], /^modelport: there is no file or folder ".*none"\n$/],
    ["a folder without a model", () => [join(folder.path, "empty")], /^modelport: no model was found at the path given\n$/],
    ["no path", () => [], /^modelport: /],
    [
      "an unknown platform",
      () => [join(folder.path, "mixed"), "--model_platform=abacus"],
      /--model_platform abacus is not known/,
    ],
  ])("of %s ends with 2 and one line on standard error", async (_case, args, message) => {
    const { code, stdout, stderr } = await runCommand(["inspect", ...args()]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("flags", () => {
  test("--version prints the package's version and ends with 0", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(await runCommand(["--version"])).toEqual({ code: 0, stdout: `modelport ${version}\n`, stderr: "" });
  });

  test("--help lists every flag that does something and ends with 0", async () => {
    const { code, stdout, stderr } = await runCommand(["serve", "--help"]);
    for (const { name, take } of FLAGS) {
      const listed = new RegExp(`^ +--${name} `, "m").test(stdout);
      expect(listed, name).toBe(take === "yes" || take === "map");
    }
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("--help without a command shows the commands", async () => {
    const { code, stdout } = await runCommand(["--help"]);
    expect(stdout).toMatch(/serve/);
    expect(stdout).toMatch(/inspect/);
    expect(code).toBe(0);
  });

  test.each<[string, (port: number) => string[]]>([
    [
      "--flag=value",
      (port) => ["--model_name=m", `--model_base_path=${folder.path}/mixed/good`, `--port=${port}`, "--rest_api_port=0"],
    ],
    [
      "--flag value",
      (port) => [
        "--model_name",
        "m",
        "--model_base_path",
        `${folder.path}/mixed/good`,
        "--port",
        `${port}`,
        "--rest_api_port",
        "0",
      ],
    ],
    [
      "--flag-with-dashes",
      (port) => ["--model-name", "m", `--model-base-path=${folder.path}/mixed/good`, `--port=${port}`, "--rest-api-port=0"],
    ],
    [
      "the word serve before them",
      (port) => ["serve", "--model_name=m", `--model_base_path=${folder.path}/mixed/good`, `--port=${port}`, "--rest_api_port=0"],
    ],
  ])("may be written as %s", async (_form, args) => {
    const port = await freePort();
    const server = await startServer(args(port), { ports: [port, 0] });
    try {
      expect((await rest(`${server.url}/v1/models/m:predict`, '{"instances": [1.0]}')).status).toBe(200);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });

  test("an unknown one is answered with the nearest that is known", async () => {
    const { code, stderr } = await runCommand(["--modle-name=m", "."]);
    expect([code, stderr]).toEqual([2, "modelport: unknown flag --modle-name, did you mean --model_name?\n"]);
  });

  test("one that this server does not have is refused, not ignored", async () => {
    const { code, stderr } = await runCommand(["--use_alts_credentials", fixture("onnx", "bool_where")]);
    expect(stderr).toContain("--use_alts_credentials");
    expect(code).toBe(2);
  });
});
