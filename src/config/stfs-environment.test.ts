import { describe, expect, test } from "vitest";
import { parseFlags } from "./command-line.ts";
import { findFlag } from "./flags.ts";
import { STFS_VARIABLES } from "./stfs-environment.ts";

test.each(STFS_VARIABLES)("$variable stands for a flag that there is", ({ flag }) => {
  expect(findFlag(flag)).toBeDefined();
});

describe("a variable", () => {
  test.each([
    [{ STFS_PORT: "9000" }, { port: 9000 }],
    [{ STFS_HOST: "0.0.0.0" }, { host: "0.0.0.0" }],
    [{ STFS_DEBUG: "True" }, { logLevel: "debug" }],
    [{ STFS_LOG_LEVEL: "critical" }, { logLevel: "fatal" }],
    [{ STFS_THREADS: "3" }, { threads: 3 }],
    [
      { STFS_MODEL_BASE_PATH: "/srv/iris", STFS_MODEL_NAME: "iris", STFS_MODEL_PLATFORM: "scikitlearn" },
      { models: { kind: "single", name: "iris", basePath: "/srv/iris", platform: "scikitlearn" } },
    ],
    [{ STFS_DOWNLOAD_INFERENCE_IMAGES: "True" }, { ignored: ["download_inference_images"] }],
    [{ STFS_PORT: "" }, { port: 8500 }],
  ])("%o counts where its flag is absent", (environment, expected) => {
    expect(parseFlags([], environment).options).toMatchObject(expected);
  });

  test("gives way to its flag", () => {
    expect(parseFlags(["--port=9001"], { STFS_PORT: "9000" }).options.port).toBe(9001);
  });

  test.each([
    [["--model_config_file=/srv/models.yaml"], "config-file"],
    [["--model_base_path=/srv/other"], "single"],
    [["/srv/other"], "paths"],
  ])("gives way to %o that says what to serve", (argv, kind) => {
    const { models } = parseFlags(argv, { STFS_MODEL_BASE_PATH: "/srv/iris", STFS_MODEL_CONFIG_FILE: "/srv/stfs.json" }).options;
    expect(models.kind).toBe(kind);
    expect(JSON.stringify(models)).not.toMatch(/iris|stfs/);
  });

  test("says what to serve before TensorFlow Serving's image does", () => {
    const { models } = parseFlags([], { STFS_MODEL_BASE_PATH: "/srv/iris", MODEL_NAME: "other" }).options;
    expect(models).toMatchObject({ kind: "single", name: "default", basePath: "/srv/iris" });
  });

  test.each([
    [{ STFS_PORT: "many" }, 'STFS_PORT: --port expects an integer from 0 to 65535, got "many"'],
    [{ STFS_RELOAD_MODELS: "on" }, 'STFS_RELOAD_MODELS: --reload_models expects true or false, got "on"'],
  ])("%o is refused by its name", (environment, message) => {
    expect(() => parseFlags([], environment)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});

describe("flags of Simple TensorFlow Serving", () => {
  test.each([
    [["--debug"], "debug"],
    [["--debug=True"], "debug"],
    [["--debug", "False"], "info"],
    [["--debug", "--log_level=error"], "error"],
    [["--log_level=warning"], "warn"],
    [["--log_level=critical"], "fatal"],
  ])("%o logs from %s on", (argv, level) => {
    const { options, paths } = parseFlags(argv, {});
    expect([options.logLevel, paths]).toEqual([level, []]);
  });

  test("are taken as its start scripts write them", () => {
    const argv =
      "--model_base_path=/srv/m --reload_models=True --enable_b64_autoconvert=True --workers=1 --custom_op_paths=/srv/a,/srv/b";
    expect(parseFlags(argv.split(" "), {}).options).toMatchObject({
      threads: 1,
      ignored: [],
      tensorflow: { customOpPaths: ["/srv/a", "/srv/b"] },
    });
  });
});
