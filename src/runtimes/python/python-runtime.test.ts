import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { ServingError } from "../../base/serving-error.ts";
import { temporaryFolders } from "../../base/test-folders.ts";
import type { PythonLoad } from "../../model/python-options.ts";
import type { SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { ARRAY_TYPES, type NumericDType } from "../../tensor/dtype.ts";
import { MISSING_TEXT, stringAt } from "../../tensor/string-array.ts";
import { type NumericTensor, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import type { PythonHandle } from "./python-handle.ts";
import { PythonRuntime, type PythonRuntimeOptions } from "./python-runtime.ts";

const HAS_PYTHON = spawnSync("python3", ["--version"]).status === 0;
const SKIPPED = HAS_PYTHON ? "" : "skipped: no python3";
const FOREVER = new AbortController().signal;

/** Gives back what it gets, under the same names, or does what it is told to by one of them. */
const ECHO = `
import time

class Handler:
    signature = {"inputs": {"x": {"dtype": "float32", "optional": True}}}

    def predict(self, inputs):
        if "wait" in inputs:
            time.sleep(float(str(inputs["wait"])))
        return inputs
`;

const options: PythonLoad = {
  interpreter: "python3",
  allowCode: true,
  workers: 1,
  device: "cpu",
  timeoutMs: 20_000,
  memoryLimitBytes: undefined,
  warmSpare: false,
  environment: [],
  model: "echo",
  version: "1",
};

const folder = temporaryFolders();
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Running {
  readonly servable: Servable;
  readonly model: SharedModel;
  /** Names of events that were logged. */
  readonly events: readonly string[];
}

async function start(
  handler: string,
  runtimeOptions: PythonRuntimeOptions = {},
  load: Partial<PythonLoad> = {},
): Promise<Running> {
  const path = folder();
  writeFileSync(join(path, "handler.py"), handler);
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const log: Log = { debugging: false, debug: note, info: note, warn: note, error: note };
  const runtime = new PythonRuntime(runtimeOptions, { clock: systemClock, log });
  const program = {
    runtime: "python",
    form: "handler",
    folder: path,
    file: "handler.py",
    runsCode: "handler.py is Python code",
  } as const;
  const model = await runtime.load(program, FOREVER, { python: { ...options, ...load } });
  const servable = runtime.attach(model);
  ends.push(async () => {
    await servable.detach();
    await runtime.unload(model);
  });
  return { servable, model, events };
}

function numbers(dtype: NumericDType, length: number): NumericTensor {
  const data = new ARRAY_TYPES[dtype].array(length);
  for (let i = 0; i < length; i++) data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(i) : i % 2;
  return { dtype, shape: [length], data };
}

describe.skipIf(!HAS_PYTHON)(`a handler ${SKIPPED}`, () => {
  test("gets and gives tensors of every type, and texts of which some are missing", async () => {
    const { servable } = await start(`
class Handler:
    signature = {"inputs": {"x": "float32"}, "outputs": {"y": "float32"}}
    signatures = {
        kind: {"inputs": {"x": {"dtype": kind, "shape": [-1]}}, "outputs": {"y": {"dtype": kind, "shape": [-1]}}}
        for kind in "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool float16 string".split()
    }
    def predict(self, inputs, signature):
        return {"y": inputs["x"]}
`);
    for (const dtype of [...servable.signatures.keys()].filter((name) => name !== "string") as NumericDType[]) {
      const x = numbers(dtype, 6);
      expect((await servable.run(dtype, new Map([["x", x]]), ["y"])).get("y"), dtype).toEqual(x);
    }
    const x = stringTensor([4], ["", "Ünï", MISSING_TEXT, Uint8Array.of(0xfe, 0x00)]);
    expect((await servable.run("string", new Map([["x", x]]), ["y"])).get("y")).toEqual(x);
  });

  test.each([
    ["in the frame", Number.POSITIVE_INFINITY],
    ["through shared memory", 0],
  ])("is given large tensors %s, again and again, and gives them back whole", async (_way, sharedFromBytes) => {
    const { servable } = await start(ECHO.replace('{"x": {"dtype": "float32", "optional": True}}', '{"x": "uint8"}'), {
      sharedFromBytes,
    });
    for (let round = 0; round < 8; round++) {
      const x = numbers("uint8", 300_000 + round);
      x.data[299_999] = round;
      const outputs = await servable.run("serving_default", new Map([["x", x]]), []);
      const { dtype, data } = outputs.get("x")!;
      // Without numpy a list of whole numbers is one of int64.
      expect([data.length, Number((data as Uint8Array)[299_999])], dtype).toEqual([300_000 + round, round]);
    }
  });

  test("answers many requests that are on their way at once, each with its own", async () => {
    const { servable } = await start(ECHO);
    const ask = async (i: number) => {
      const x: Tensor = { dtype: "float32", shape: [1], data: Float32Array.of(i) };
      const outputs = await servable.run("serving_default", new Map([["x", x]]), []);
      return Number((outputs.get("x")!.data as Float32Array)[0]);
    };
    const all = Array.from({ length: 200 }, (_, i) => i);
    expect(await Promise.all(all.map(ask))).toEqual(all);
  });

  test("answers under whatever names it likes where it declares no outputs, and a caller may choose", async () => {
    const { servable } = await start(`
class Handler:
    def predict(self, inputs):
        return {"a": [1.5], "b": ["text"]}
`);
    const x = numbers("float32", 1);
    const all = await servable.run("serving_default", new Map([["inputs", x]]), []);
    expect([...all.keys()]).toEqual(["a", "b"]);
    const one = await servable.run("serving_default", new Map([["inputs", x]]), ["b"]);
    expect([...one.keys()]).toEqual(["b"]);
    expect(stringAt((one.get("b") as ReturnType<typeof stringTensor>).data, 0)).toBe("text");
    await expect(servable.run("serving_default", new Map([["inputs", x]]), ["c"])).rejects.toThrow(
      'the model has given no output "c" (it has given a, b)',
    );
  });

  test.each<[string, string, string | RegExp]>([
    ["nothing", "None", "the handler's predict gave None: it must return its outputs"],
    ["a number of more than 64 bits", '{"y": [2**70]}', /^output "y" (?:holds values of int|cannot be made a tensor of int64)/],
    ["half of a letter", '{"y": ["\\ud800"]}', "an output has a text that is no Unicode"],
  ])("that gives %s is an error that says so", async (_what, given, message) => {
    const { servable } = await start(`
class Handler:
    def predict(self, inputs):
        return ${given}
`);
    const failed = servable.run("serving_default", new Map([["inputs", numbers("float32", 1)]]), []);
    await expect(failed).rejects.toMatchObject({ code: "internal" });
    await expect(failed).rejects.toThrow(message);
  });

  test("may name its outputs by numbers", async () => {
    const { servable } = await start(`
class Handler:
    def predict(self, inputs):
        return {0: [1.5], 1: [2.5]}
`);
    const answer = await servable.run("serving_default", new Map([["inputs", numbers("float32", 1)]]), []);
    expect([...answer.keys()]).toEqual(["0", "1"]);
  });

  test("of a request that is given up is not waited for, and the next one is answered", async () => {
    const { servable } = await start(ECHO.replace('{"x": {', '{"wait": {"dtype": "string", "optional": True}, "x": {'));
    const reason = new ServingError("deadline-exceeded", "too late");
    const controller = new AbortController();
    const waiting = servable.run("serving_default", new Map([["wait", stringTensor([], ["0.2"])]]), [], {
      signal: controller.signal,
    });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const outputs = await servable.run("serving_default", new Map([["x", numbers("float32", 2)]]), []);
    expect(outputs.get("x")!.shape).toEqual([2]);
  });

  test("that answers with more than may come is an error, and goes on", async () => {
    const { servable } = await start(ECHO, { mostAnswerBytes: 10_000 });
    await expect(servable.run("serving_default", new Map([["x", numbers("float32", 5000)]]), [])).rejects.toMatchObject({
      code: "resource-exhausted",
      message: "the answer has more than the 10000 bytes that a worker may send",
    });
    await servable.run("serving_default", new Map([["x", numbers("float32", 5)]]), []);
  });

  test("is run by as many processes as were asked for, and leaves no file when it is let go", async () => {
    const { model, events } = await start(ECHO, {}, { workers: 3 });
    const { sockets } = model.handle as PythonHandle;
    expect(sockets.map((path) => existsSync(path))).toEqual([true, true, true]);
    expect(events.filter((event) => event === "python_worker_started")).toHaveLength(3);
    for (const end of ends.splice(0)) await end();
    expect(existsSync(dirname(sockets[0]!))).toBe(false);
    expect(readdirSync("/dev/shm").filter((name) => name.startsWith(`modelport-${process.pid}-`))).toEqual([]);
  });
});

describe.skipIf(!HAS_PYTHON)(`a load ${SKIPPED}`, () => {
  test.each<[string, string, Partial<PythonLoad>, string, string | RegExp]>([
    [
      "without permission",
      ECHO,
      { allowCode: false },
      "failed-precondition",
      /^handler\.py is Python code, .* --allow_code=echo,/,
    ],
    ["of no Python", "class Handler(:", {}, "invalid-argument", /^handler\.py: SyntaxError: /],
    ["without a class", "x = 1", {}, "invalid-argument", "handler.py must have a class Handler with a method predict"],
    ["that raises", "raise KeyError('/home/me/secret.txt')", {}, "invalid-argument", "handler.py: KeyError: 'secret.txt'"],
    [
      "that needs what is not there",
      "import no_such_module",
      {},
      "invalid-argument",
      /ModuleNotFoundError: No module named 'no_such_module'$/,
    ],
    [
      "that ends the process",
      "import os, sys\nprint('bye')\nsys.stdout.flush()\nos._exit(7)",
      {},
      "unavailable",
      /it ended with code 7 \(it said last: bye\)$/,
    ],
    [
      "with a signature of an unknown type",
      `${ECHO}\nHandler.signature = {"inputs": {"x": "datetime"}}`,
      {},
      "invalid-argument",
      /^input "x" is declared as "datetime"/,
    ],
    [
      "by no interpreter",
      ECHO,
      { interpreter: "no-such-python" },
      "failed-precondition",
      /^the Python interpreter cannot be started: .*--python/,
    ],
    [
      "by what is no interpreter",
      ECHO,
      { interpreter: "true" },
      "failed-precondition",
      /^the Python worker ended before it was ready: it ended with code 0/,
    ],
  ])("%s fails and says why", async (_what, handler, load, code, message) => {
    const failed = start(handler, {}, load);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(message);
  });

  test("that is not wanted any more ends its process", async () => {
    const path = folder();
    writeFileSync(join(path, "handler.py"), "import time\ntime.sleep(3600)\n");
    const runtime = new PythonRuntime();
    const controller = new AbortController();
    const reason = new ServingError("cancelled", "the version is not wanted any more");
    const program = { runtime: "python", form: "handler", folder: path, file: "handler.py" } as const;
    const loading = runtime.load(program, controller.signal, { python: options });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
  });
});
