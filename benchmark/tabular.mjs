// Measures tabular models beside their own libraries, in turns: after a build,
//
//   node benchmark/tabular.mjs --python=PYTHON [--folder=FOLDER] [--rounds=5] [--seconds=0.5] [--only=NAME] [--java=COMMAND]
//
// PYTHON has numpy, scikit-learn, XGBoost, LightGBM and CatBoost; with sklearn2pmml and h2o (and Java) it makes a PMML file and a MOJO too. Models are
// trained into FOLDER once. COMMAND is asked as `COMMAND FILE ROWS SECONDS` for the figure of PMML files and MOJOs in Java and prints microseconds of CPU a
// call. Here a call is the servable's own: inputs checked and read, outputs made. All figures are CPU time of the process, one thread.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { interleave, median, pairedRatio, table } from "./measurements.mjs";

const COLUMNS = 20;
const MODELS = [
  { name: "xgboost", file: "xgboost.ubj", signature: "predict", title: "XGBoost, 100 trees of 6 levels" },
  { name: "lightgbm", file: "lightgbm.txt", signature: "predict", title: "LightGBM, 100 trees of 31 leaves" },
  { name: "catboost", file: "catboost.cbm", signature: "Probability", title: "CatBoost, 100 trees of 6 levels" },
  { name: "forest", file: "forest.pkl", signature: "predict_proba", title: "scikit-learn forest, 100 trees of 12 levels" },
  { name: "histogram", file: "histogram.pkl", signature: "predict_proba", title: "scikit-learn HistGradientBoosting, 100 trees" },
  { name: "logistic", file: "logistic.pkl", signature: "predict_proba", title: "scikit-learn scaler and logistic regression" },
  { name: "pmml_logistic", file: "pmml_logistic.pmml", signature: "evaluate", title: "PMML, logistic regression", java: true },
  { name: "pmml_boosting", file: "pmml_boosting.pmml", signature: "evaluate", title: "PMML, 100 trees of 4 levels", java: true },
  { name: "mojo", file: "mojo.zip", signature: "predict", title: "H2O MOJO, GBM of 100 trees", java: true },
];

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    folder: { type: "string" },
    java: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "0.5" },
  },
});
const seconds = Number(values.seconds);
const library = join(import.meta.dirname, "tabular_library.py");
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "tabular-"));
const single = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
if (!existsSync(join(folder, "rows.f64"))) {
  if (values.python === undefined) throw new Error("name a Python with --python, or a folder of trained models with --folder");
  execFileSync(values.python, [library, "train", folder], { env: single, stdio: ["ignore", "ignore", "inherit"] });
}

const { detectPlatform } = await built("platforms/registry.js");
const { TabularRuntime } = await built("runtimes/tabular/tabular-runtime.js");
const never = new AbortController().signal;
const file = readFileSync(join(folder, "rows.f64"));
const rows = new Float64Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const models = MODELS.filter(({ name, file: own }) => (values.only ?? name) === name && existsSync(join(folder, own)));
const lines = [];
for (const model of models) {
  const servable = await servableOf(join(folder, model.file));
  for (const count of [1, 1000]) {
    const own = () => ownCall(servable, model.signature, count);
    const [here, there] = await interleave([own, () => libraryCall(model, count)], Number(values.rounds));
    const figures = [here, there].map((rounds) => median(rounds.map(({ cpu }) => cpu)));
    const ratio = Number.isNaN(figures[1]) ? "" : pairedRatio(here, there, "cpu").toFixed(3);
    lines.push([model.title, String(count), ...figures.map((us) => (Number.isNaN(us) ? "" : us.toFixed(1))), ratio]);
    console.error(lines.at(-1).join(", "));
  }
}
console.log(table(["[model]", "rows", "here, µs of CPU", "library, µs of CPU", "ratio"], lines));

async function servableOf(path) {
  const { platform } = await detectPlatform(path);
  const runtime = new TabularRuntime();
  return runtime.attach(await runtime.load(await platform.read(path, never), never));
}

/** CPU of a call here, in microseconds, over rows that differ from call to call. */
async function ownCall(servable, signature, count) {
  const { inputs: declared, outputs } = servable.signatures.get(signature);
  const wanted = outputs.map(({ alias }) => alias);
  const inputs = Array.from({ length: 1000 / count }, (_, i) => inputOf(declared, i * count, count));
  const call = (i) => servable.run(signature, inputs[i % inputs.length], wanted);
  for (let i = 0; i < (count === 1 ? 3000 : 30); i++) await call(i);
  const begun = process.cpuUsage();
  let calls = 0;
  for (let spent = 0; spent < seconds * 1e6; spent = cpuSince(begun)) {
    for (let i = 0; i < (count === 1 ? 500 : 5); i++) {
      const outcome = call(calls++);
      if (outcome instanceof Promise) await outcome;
    }
  }
  return { cpu: cpuSince(begun) / calls };
}

/** Rows as a matrix, or as a column for each input. */
function inputOf(declared, start, count) {
  const matrix = declared.find(({ columnOf, shape }) => columnOf === undefined && shape.length === 2);
  if (matrix !== undefined) {
    const part = rows.subarray(start * COLUMNS, (start + count) * COLUMNS);
    const data = matrix.dtype === "float32" ? Float32Array.from(part) : part;
    return new Map([[matrix.alias, { dtype: matrix.dtype, shape: [count, COLUMNS], data }]]);
  }
  return new Map(
    declared.map(({ alias }) => {
      const column = Number(/\d+$/.exec(alias)[0]) - (alias.startsWith("x") ? 1 : 0);
      const data = Float64Array.from({ length: count }, (_, i) => rows[(start + i) * COLUMNS + column]);
      return [alias, { dtype: "float64", shape: [count], data }];
    }),
  );
}

function libraryCall({ name, file: own, java }, count) {
  if (java && values.java === undefined) return { cpu: Number.NaN };
  if (!java && values.python === undefined) return { cpu: Number.NaN };
  const [program, ...args] = java
    ? [...values.java.split(" "), join(folder, own), String(count), values.seconds]
    : [values.python, library, "measure", folder, name, String(count), values.seconds];
  return {
    cpu: JSON.parse(
      execFileSync(program, args, { env: single, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .trim()
        .split("\n")
        .at(-1),
    ),
  };
}

function cpuSince(begun) {
  const { user, system } = process.cpuUsage(begun);
  return user + system;
}

/** A module of the built server. */
async function built(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(url)) throw new Error("the server is not built: run `npm run build` first");
  return import(url.href);
}
