import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryFolders } from "../support/folders.ts";
import { pythonWith } from "../support/python.ts";
import { errorText, rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const PYTHON = pythonWith("json");
const SKIPPED = PYTHON === undefined ? "skipped: no python3" : "";

/** Says how many rows it was given at once. */
const COUNTER = `
class Handler:
    signature = {
        "inputs": {"x": {"dtype": "float32", "shape": [-1]}},
        "outputs": {"twice": {"dtype": "float32", "shape": [-1]}, "rows": {"dtype": "int64", "shape": [-1]}},
    }
    batch = True

    def predict(self, inputs):
        rows = [float(x) for x in inputs["x"]]
        return {"twice": [2 * x for x in rows], "rows": [len(rows)] * len(rows)}
`;

const folder = temporaryFolders();
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function handlerFolder(name: string, source: string): string {
  const path = join(folder(), name);
  mkdirSync(path);
  writeFileSync(join(path, "handler.py"), source);
  return path;
}

function python(script: string, ...args: readonly string[]): void {
  const run = spawnSync(PYTHON!, ["-c", script, ...args], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
}

/** Why a model could not be loaded. */
async function loadFailure(running: RunningServer): Promise<string | undefined> {
  return (await eventually(() => logLines(running).find(({ msg }) => msg === "model_load_failed"))).error;
}

const predict = ({ url }: RunningServer, model: string, body: unknown) =>
  rest(`${url}/v1/models/${model}:predict`, JSON.stringify(body));

describe.skipIf(PYTHON === undefined)(`a model in Python ${SKIPPED}`, () => {
  test("is served by a handler, and its signature is what the handler declares", async () => {
    server = await startServer([
      handlerFolder("twice", COUNTER),
      "--allow_code=other",
      "--allow_code=twice",
      `--python=${PYTHON}`,
    ]);
    const { status, text } = await predict(server, "twice", { instances: [1, 2.5] });
    expect([status, JSON.parse(text)]).toEqual([
      200,
      {
        predictions: [
          { twice: 2, rows: 2 },
          { twice: 5, rows: 2 },
        ],
      },
    ]);
    const metadata = JSON.parse((await rest(`${server.url}/v1/models/twice/metadata`)).text);
    expect(metadata.metadata.signature_def.signature_def.serving_default.outputs.rows.dtype).toBe("DT_INT64");
    const wrong = await predict(server, "twice", { inputs: { x: [[1]] } });
    expect([wrong.status, errorText(wrong)]).toEqual([400, 'input "x" expects shape [-1] but [1,1] is provided']);
  });

  test("whose code nobody has allowed is not run, and the error says how to allow it", async () => {
    server = await startServer([handlerFolder("twice", COUNTER), `--python=${PYTHON}`], { until: "listening" });
    const failed = await loadFailure(server);
    expect(failed).toBe(
      "handler.py is Python code, which is run only where that is allowed: start the server with --allow_code=twice, or say " +
        "allow_code: true in the model's config. It may do whatever the server's user may",
    );
    expect(server.stderr()).not.toContain("python_worker_started");
  });

  test("is run as its config says", async () => {
    const config = join(folder(), "models.yaml");
    const path = handlerFolder("twice", `import os\n\nprint(os.getcwd())\n${COUNTER}`);
    writeFileSync(
      config,
      `models:\n  twice:\n    base_path: ${path}\n    python: ${PYTHON}\n    allow_code: true\n    workers: 2\n    device: cpu\n    python_timeout_seconds: 5\n`,
    );
    server = await startServer([`--model_config_file=${config}`, "--python=no-such-python"]);
    expect((await predict(server, "twice", { instances: [1] })).status).toBe(200);
    expect(logLines(server).filter(({ msg }) => msg === "python_worker_started")).toHaveLength(2);
    // What it prints is in the log, under its name.
    const printed = logLines(server).find(({ msg }) => msg === "python_output");
    expect(printed).toMatchObject({ model: "twice", version: "1", text: path });
  });

  test("is batched where it says that it takes several requests at once", async () => {
    const parameters = join(folder(), "batching.pbtxt");
    writeFileSync(parameters, "max_batch_size { value: 16 }\nbatch_timeout_micros { value: 300000 }\n");
    const flags = [`--python=${PYTHON}`, "--allow_code=twice", "--enable_batching", `--batching_parameters_file=${parameters}`];
    server = await startServer([handlerFolder("twice", COUNTER), ...flags, "--threads=1"]);
    const answers = await Promise.all([1, 2, 3, 4].map((x) => predict(server!, "twice", { instances: [x] })));
    const rows = answers.map(
      ({ text }) => (JSON.parse(text) as { predictions: { twice: number; rows: number }[] }).predictions[0]!,
    );
    expect(rows.map(({ twice }) => twice)).toEqual([2, 4, 6, 8]);
    expect(Math.max(...rows.map((row) => row.rows))).toBeGreaterThan(1);
  });

  test("is not batched where it does not say so", async () => {
    const path = handlerFolder("twice", COUNTER.replace("batch = True", ""));
    server = await startServer([path, `--python=${PYTHON}`, "--allow_code=twice", "--enable_batching"]);
    expect((await predict(server, "twice", { instances: [1] })).status).toBe(200);
    const line = logLines(server).find(({ msg }) => msg === "signature_not_batched");
    expect((line as unknown as { reason: string }).reason).toContain("batch = True");
  });

  test("may be a pickle that no reader here takes, whose refusal names the way", async () => {
    const path = join(folder(), "own");
    mkdirSync(path);
    writeFileSync(
      join(path, "own.py"),
      "class Own:\n    n_features_in_ = 2\n    def predict(self, X):\n        return [sum(float(x) for x in row) for row in X]\n",
    );
    // The name of the library makes it one of the native reader's, which does not know the class.
    python(
      "import pickle, sys; sys.path.insert(0, sys.argv[1]); import own; o = own.Own(); o.like = 'sklearn.base'; " +
        "pickle.dump(o, open(sys.argv[1] + '/model.pkl', 'wb'), protocol=4)",
      path,
    );
    server = await startServer([path, `--python=${PYTHON}`], { until: "listening" });
    const failed = await loadFailure(server);
    expect(failed).toMatch(
      /own.*; a Python worker can serve it, which runs what the file calls: only if you trust it \(--allow_code=own\)$/,
    );
    await server.stop();

    server = await startServer([path, `--python=${PYTHON}`, "--allow_code=own"]);
    const { status, text } = await predict(server, "own", {
      instances: [
        [1, 2],
        [3, 4.5],
      ],
    });
    expect([status, JSON.parse(text)]).toEqual([200, { predictions: [3, 7.5] }]);
  });

  test("may be an archive of TorchServe's, whose handler gets requests as there", async () => {
    const path = join(folder(), "reversed.mar");
    python(
      `import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1], "w")
archive.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": {"modelName": "reversed", "handler": "entry.py:go"}}))
archive.writestr("words.json", '{"abc": 1}')
archive.writestr("entry.py", '''
import json, os
known = {}
def go(data, context):
    if data is None:
        known.update(json.load(open(os.path.join(context.system_properties["model_dir"], "words.json"))))
        return None
    words = [bytes(row["body"]).decode() for row in data]
    return [{"known": known[word]} if word in known else word[::-1] for word in words]
''')
archive.close()`,
      path,
    );
    server = await startServer([path, `--python=${PYTHON}`, "--allow_code=reversed"]);
    const { status, text } = await predict(server, "reversed", { instances: ["abc", "xyz"] });
    expect([status, JSON.parse(text)]).toEqual([200, { predictions: ['{"known": 1}', "zyx"] }]);
  });
});
