// Compares models with Caffe2's answers beside them with what this server makes of them: after a build,
//
//   node tools/reference-models/caffe2/compare.mjs [--dist=DIR] FOLDER_OR_JSONL...
//
// Prints the worst difference, as a part of the largest number of an output, and for folders how long reading, loading and a call take.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dist: { type: "string", default: new URL("../../../dist", import.meta.url).pathname } },
});
const dist = (path) => import(pathToFileURL(join(resolve(values.dist), path)).href);
const { caffe2Platform } = await dist("platforms/caffe2/caffe2-platform.js");
const { OnnxRuntime } = await dist("runtimes/onnxruntime/onnx-runtime.js");
const { ARRAY_TYPES } = await dist("tensor/dtype.js");

const MOST = 1e-5;
const RUNS = 20;
const { signal } = new AbortController();
const runtime = new OnnxRuntime();
let [good, worst] = [0, 0];
const bad = [];

for (const path of positionals) {
  if (path.endsWith(".jsonl"))
    for (const line of readFileSync(path, "utf8").trim().split("\n")) await compareLine(JSON.parse(line));
  else if (existsSync(join(path, "golden.json"))) await compareFolder(path, path, true);
  else
    for (const name of readdirSync(path).sort())
      if (existsSync(join(path, name, "golden.json"))) await compareFolder(join(path, name), name, true);
}
for (const line of bad) console.log(line);
console.log(`${good} of ${good + bad.length}, worst ${worst.toExponential(1)}`);
process.exit(bad.length > 0 ? 1 : 0);

async function compareLine({ name, init, predict, declared, cases }) {
  const folder = mkdtempSync(join(tmpdir(), "caffe2-"));
  try {
    writeFileSync(join(folder, "init_net.pb"), Buffer.from(init, "base64"));
    writeFileSync(join(folder, "predict_net.pb"), Buffer.from(predict, "base64"));
    writeFileSync(join(folder, "value_info.json"), JSON.stringify(declared));
    writeFileSync(join(folder, "golden.json"), JSON.stringify(cases));
    await compareFolder(folder, name, false);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compareFolder(folder, name, timed) {
  try {
    const begun = performance.now();
    const program = await caffe2Platform.read(folder, signal);
    const read = performance.now();
    const shared = await runtime.load(program, signal);
    const loaded = performance.now();
    const servable = runtime.attach(shared);
    const cases = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
    let difference = 0;
    const givenOf = ({ inputs }) => new Map(Object.entries(inputs).map(([key, tensor]) => [key, tensorOf(tensor)]));
    for (const one of cases) {
      const answers = await servable.run("serving_default", givenOf(one), Object.keys(one.outputs));
      for (const [key, wanted] of Object.entries(one.outputs))
        difference = Math.max(difference, differenceOf(answers.get(key), wanted, key));
    }
    if (timed) {
      const times = [];
      const [given, wanted] = [givenOf(cases[0]), Object.keys(cases[0].outputs)];
      for (let i = 0; i < RUNS; i++) {
        const start = performance.now();
        await servable.run("serving_default", given, wanted);
        times.push(performance.now() - start);
      }
      const median = times.sort((a, b) => a - b)[RUNS / 2];
      console.log(
        `${name}: ${difference.toExponential(1)}, read ${(read - begun).toFixed(0)} ms, load ${(loaded - read).toFixed(0)} ms, call ${median.toFixed(3)} ms`,
      );
    }
    await servable.detach();
    await runtime.unload(shared);
    worst = Math.max(worst, difference);
    if (difference <= MOST) good++;
    else bad.push(`${name}: differs by ${difference}`);
  } catch (reason) {
    bad.push(`${name}: ${reason.message}`);
  }
}

function tensorOf({ dtype, shape, data }) {
  const { array } = ARRAY_TYPES[dtype];
  const wide = array === BigInt64Array || array === BigUint64Array;
  return { dtype, shape, data: array.from(data, (value) => (wide ? BigInt(value) : Number(value))) };
}

function differenceOf(got, { dtype, shape, data }, name) {
  if (got.dtype !== dtype || got.shape.join() !== shape.join()) {
    throw new Error(`${name} is ${got.dtype} [${got.shape}], not ${dtype} [${shape}]`);
  }
  const numbers = data.map(Number);
  const largest = numbers.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1e-30);
  return numbers.reduce((most, value, i) => {
    const other = Number(got.data[i]);
    return Object.is(other, value) || other === value
      ? most
      : Math.max(most, Math.abs(other - value) / largest || Number.POSITIVE_INFINITY);
  }, 0);
}
