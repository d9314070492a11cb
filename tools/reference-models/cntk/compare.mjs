// Compares models with CNTK's answers beside them with what this server makes of them: after a build,
//
//   node tools/reference-models/cntk/compare.mjs [--dist=DIR] FOLDER
//
// Prints the worst difference, as a part of the largest number of an output, and how long loading and a call take; CNTK's own times
// beside them where timing.json has them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dist: { type: "string", default: new URL("../../../dist", import.meta.url).pathname } },
});
const dist = (path) => import(pathToFileURL(join(resolve(values.dist), path)).href);
const { cntkPlatform } = await dist("platforms/cntk/cntk-platform.js");
const { OnnxRuntime } = await dist("runtimes/onnxruntime/onnx-runtime.js");

const MOST = 1e-5;
const CALLS = 10;
const ARRAYS = { float32: Float32Array, float64: Float64Array };
const { signal } = new AbortController();
const runtime = new OnnxRuntime();
let [good, worst] = [0, 0];
const bad = [];

const [root] = positionals;
for (const name of readdirSync(root).sort()) {
  const folder = join(root, name);
  if (!existsSync(join(folder, "golden.json"))) continue;
  try {
    const { difference, loaded, call } = await compare(folder);
    const timing = join(folder, "timing.json");
    const own = existsSync(timing) ? JSON.parse(readFileSync(timing, "utf8")) : undefined;
    const beside = own ? ` (CNTK: load ${own.load_ms} ms, call ${own.call_ms} ms)` : "";
    console.log(`${name}: ${difference.toExponential(1)}, load ${loaded.toFixed(0)} ms, call ${call.toFixed(1)} ms${beside}`);
    worst = Math.max(worst, difference);
    if (difference <= MOST) good++;
    else bad.push(`${name}: differs by ${difference}`);
  } catch (reason) {
    bad.push(`${name}: ${reason.message}`);
  }
}
for (const line of bad) console.log(line);
console.log(`${good} of ${good + bad.length}, worst ${worst.toExponential(1)}`);
process.exit(bad.length > 0 ? 1 : 0);

async function compare(folder) {
  const begun = performance.now();
  const shared = await runtime.load(await cntkPlatform.read(folder, signal), signal);
  const loaded = performance.now() - begun;
  const servable = runtime.attach(shared);
  const [times, cases] = [[], JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"))];
  let difference = 0;
  try {
    for (const { inputs, outputs } of cases) {
      const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));
      for (let i = 0; i < CALLS; i++) {
        const start = performance.now();
        const answer = await servable.run("serving_default", given, Object.keys(outputs));
        times.push(performance.now() - start);
        for (const [name, wanted] of Object.entries(outputs))
          difference = Math.max(difference, differenceOf(answer.get(name), wanted, name));
      }
    }
  } finally {
    await servable.detach();
    await runtime.unload(shared);
  }
  return { difference, loaded, call: times.sort((a, b) => a - b)[Math.floor(times.length / 2)] };
}

function tensorOf({ dtype, shape, data }) {
  return { dtype, shape, data: ARRAYS[dtype].from(data, Number) };
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
