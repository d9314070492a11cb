import { describe, expect, test } from "vitest";
import { pythonLoad } from "../model/python-options.ts";
import { parseFlags } from "./command-line.ts";
import { parseModelConfigDocument } from "./model-config-document.ts";
import { modelConfigJson } from "./model-config-json.ts";
import { formatModelServerConfig } from "./model-config-text.ts";

const parse = async (keys: string) => {
  const text = `models:\n  m:\n    base_path: /m\n${keys}`;
  const origin = { file: "models.yaml", folder: "/etc/models", workingFolder: "/" };
  return (await parseModelConfigDocument(text, origin, { platforms: ["python"] })).models[0]!;
};

const ALL = `    python: venv/bin/python
    allow_code: true
    workers: 2
    device: cuda:1
    python_timeout_seconds: 1.5
    python_memory_limit_bytes: 1000000
    python_spare: true
`;

describe("what a model's config says of Python", () => {
  test("is read, a relative interpreter below the file's folder", async () => {
    expect((await parse(ALL)).python).toEqual({
      interpreter: "/etc/models/venv/bin/python",
      allowCode: true,
      workers: 2,
      device: "cuda:1",
      timeoutMs: 1500,
      memoryLimitBytes: 1_000_000,
      warmSpare: true,
    });
    expect(await parse("")).not.toHaveProperty("python");
  });

  test("is printed as it is read", async () => {
    const model = await parse(ALL);
    const keys = JSON.parse(modelConfigJson(model)) as Record<string, unknown>;
    expect(keys).toMatchObject({
      python: "/etc/models/venv/bin/python",
      allow_code: true,
      python_timeout_seconds: 1.5,
      device: "cuda:1",
    });
  });

  test("has no words in protobuf's text format", async () => {
    const model = { ...(await parse("    allow_code: false\n")), platform: "python" };
    expect(() => formatModelServerConfig([model])).toThrow("with options of Python");
  });

  test.each([
    ["    device: tpu\n", "models.m.device: expected cpu, cuda, cuda:N or auto"],
    ["    workers: 0\n", "models.m.workers: expected at least 1, got 0"],
    ["    allow_code: yes please\n", "models.m.allow_code: expected true or false"],
    ["    alow_code: true\n", 'a model has no key "alow_code" (did you mean allow_code?)'],
  ])("%j is refused", async (keys, message) => {
    await expect(parse(keys)).rejects.toThrow(message);
  });
});

test("a model may run code when its config or a flag says so, and its config goes before the flag", () => {
  const server = parseFlags(["--allow_code=named", "--python_workers=3"], {}).options.python;
  expect(pythonLoad(server, undefined, "named", "1")).toMatchObject({
    allowCode: true,
    workers: 3,
    model: "named",
    version: "1",
  });
  expect(pythonLoad(server, undefined, "other", "1").allowCode).toBe(false);
  expect(pythonLoad(server, { allowCode: true, workers: 1 }, "other", "1")).toMatchObject({ allowCode: true, workers: 1 });
  expect(pythonLoad(server, { allowCode: false }, "named", "1").allowCode).toBe(false);
});
