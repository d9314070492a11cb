// Compares models that export_models.py made with what this server makes of them: after a build,
//
//   node tools/reference-models/pytorch/compare.mjs [--dist=DIR] FOLDER [NAME ...]
//
// Prints for each model the worst difference, as a part of the largest number of an output, and how long reading, loading and a call take.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dist: { type: "string", default: new URL("../../../dist", import.meta.url).pathname } },
});
const dist = (path) => import(pathToFileURL(join(resolve(values.dist), path)).href);
const { pt2Platform } = await dist("platforms/pytorch/pt2-platform.js");
const { OnnxRuntime } = await dist("runtimes/onnxruntime/onnx-runtime.js");
const { ARRAY_TYPES } = await dist("tensor/dtype.js");

const MOST = 1e-4;
const RUNS = 5;
const { signal } = new AbortController();
const runtime = new OnnxRuntime();
const [root, ...names] = positionals;
const models =
  names.length > 0
    ? names
    : readdirSync(root, { withFileTypes: true })
        .filter((each) => each.isDirectory())
        .map(({ name }) => name)
        .sort();
let [good, worst] = [0, 0];
const bad = [];
for (const name of models) await compare(join(root, name), name);
console.log(`${good} of ${models.length} equal, worst ${worst.toExponential(1)}`);
for (const line of bad) console.log(line);
process.exit(bad.length > 0 ? 1 : 0);

async function compare(folder, name) {
  try {
    const { inputs, outputs } = JSON.parse(readFileSync(join(folder, "io.json"), "utf8"));
    const begun = performance.now();
    const program = await pt2Platform.read(join(folder, "model.pt2"), signal);
    const read = performance.now();
    const shared = await runtime.load(program, signal);
    const loaded = performance.now();
    const servable = runtime.attach(shared);
    const given = new Map(inputs.map((input) => [input.name, tensorOf(folder, input)]));
    const wanted = shared.signatures.get("serving_default").outputs.map(({ alias }) => alias);
    const missing = outputs.filter((output) => !wanted.includes(output.name));
    if (missing.length > 0) throw new Error(`has outputs ${wanted}, not ${missing.map((each) => each.name)}`);
    const run = async () =>
      await servable.run(
        "serving_default",
        given,
        outputs.map((output) => output.name),
      );
    const answer = await run();
    const called = performance.now();
    for (let i = 0; i < RUNS; i++) await run();
    const call = (performance.now() - called) / RUNS;
    let most = 0;
    for (const output of outputs)
      most = Math.max(most, difference(answer.get(output.name), tensorOf(folder, output), output.name));
    await servable.detach();
    await runtime.unload(shared);
    worst = Math.max(worst, most);
    const times = `read ${(read - begun).toFixed(0)} ms, loaded ${(loaded - read).toFixed(0)} ms, call ${call.toFixed(1)} ms`;
    if (most > MOST) throw new Error(`differs by ${most.toExponential(1)}`);
    good++;
    console.log(`${name}: ${most.toExponential(1)}, ${times}`);
  } catch (reason) {
    console.log(`${name}: ${reason.message.slice(0, 300)}`);
    bad.push(`${name}: ${reason.message.slice(0, 300)}`);
  }
}

function tensorOf(folder, { dtype, shape, file }) {
  const bytes = Uint8Array.from(readFileSync(join(folder, file)));
  const { array, bytes: size, width } = ARRAY_TYPES[dtype];
  return { dtype, shape, data: new array(bytes.buffer, 0, (bytes.length / size) * width) };
}

function difference(got, wanted, name) {
  if (got.dtype !== wanted.dtype || String(got.shape) !== String(wanted.shape)) {
    throw new Error(`${name} is ${got.dtype} [${got.shape}], not ${wanted.dtype} [${wanted.shape}]`);
  }
  let [largest, most] = [0, 0];
  for (let i = 0; i < wanted.data.length; i++) {
    const [found, right] = [Number(got.data[i]), Number(wanted.data[i])];
    largest = Math.max(largest, Math.abs(right));
    if (found !== right) most = Math.max(most, Math.abs(found - right));
    if (Number.isNaN(found) !== Number.isNaN(right)) throw new Error(`${name}[${i}] is ${found}, not ${right}`);
  }
  return most === 0 ? 0 : most / largest;
}
