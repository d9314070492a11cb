import { join } from "node:path";
import { expect, test } from "vitest";
import { parseFlags } from "./command-line.ts";

const python = (...argv: readonly string[]) => parseFlags(argv, {}).options.python;

test("Python workers have the defaults of the table of flags", () => {
  expect(python()).toEqual({
    interpreter: "python3",
    allowCode: [],
    workers: 1,
    device: "auto",
    timeoutMs: 60_000,
    memoryLimitBytes: undefined,
    warmSpare: false,
    environment: [],
  });
});

test("models that may run code are named with commas, in several flags, or both", () => {
  expect(python("--allow_code=a,b", "--allow_code", "c").allowCode).toEqual(["a", "b", "c"]);
  // Other lists are as they were: the last one counts.
  expect(python("--python_environment=A", "--python_environment=B").environment).toEqual(["B"]);
});

test.each([
  ["python3.12", "python3.12"],
  ["/venv/bin/python", "/venv/bin/python"],
  ["venv/bin/python", join(process.cwd(), "venv/bin/python")],
])("the interpreter %s is %s", (written, interpreter) => {
  expect(python(`--python=${written}`).interpreter).toBe(interpreter);
});

test.each([
  ["--python=", "--python expects the name or the path of an interpreter"],
  ["--python_device=gpu", '--python_device expects cpu, cuda, cuda:N or auto, got "gpu"'],
  ["--python_device=cuda:", '--python_device expects cpu, cuda, cuda:N or auto, got "cuda:"'],
  ["--python_workers=0", "--python_workers expects an integer from 1 to 256"],
  ["--python_timeout_seconds=0", "--python_timeout_seconds expects a number from 0.01"],
])("%s is refused", (flag, message) => {
  expect(() => python(flag)).toThrow(message);
});
