// Compares models with golden.json files beside them with what this server makes of them: after a build,
//
//   node tools/reference-models/mxnet/compare.mjs [--dist=DIR] FOLDER...
//
// Where there is an mxnet.json it shows milliseconds: to import, to import and load, of a call; and the last two of MXNet.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dist: { type: "string", default: new URL("../../../dist", import.meta.url).pathname },
  },
});
const dist = (path) => import(pathToFileURL(join(resolve(values.dist), path)).href);
const { mxnetPlatform } = await dist("platforms/mxnet/mxnet-platform.js");
const { OnnxRuntime } = await dist("runtimes/onnxruntime/onnx-runtime.js");
const { ARRAY_TYPES } = await dist("tensor/dtype.js");

const { signal } = new AbortController();
const runtime = new OnnxRuntime();

/** The worst difference of a model's answers, as a part of the largest number of an output; or what is wrong. */
async function compare(folder) {
  const start = performance.now();
  const program = await mxnetPlatform.read(folder, signal);
  const imported = performance.now();
  const shared = await runtime.load(program, signal);
  const servable = runtime.attach(shared);
  const times = { import: imported - start, load: performance.now() - start };
  let [worst, at] = [0, ""];
  try {
    for (const { inputs, outputs } of JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"))) {
      const declared = new Map(shared.signatures.get("serving_default").inputs.map(({ alias, dtype }) => [alias, dtype]));
      const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor, declared.get(name))]));
      const answer = await servable.run("serving_default", given, Object.keys(outputs));
      for (const [name, expected] of Object.entries(outputs)) {
        const got = answer.get(name);
        if (got.shape.join() !== expected.shape.join())
          return { worst, wrong: `${name} has shape ${got.shape}, not ${expected.shape}` };
        if (got.dtype !== expected.dtype) return { worst, wrong: `${name} is ${got.dtype}, not ${expected.dtype}` };
        const difference = differenceOf(got, expected);
        if (!(difference <= worst)) [worst, at] = [difference, name];
      }
    }
    if (existsSync(join(folder, "mxnet.json"))) times.call = await callTime(servable, folder);
  } finally {
    await servable.detach();
    await runtime.unload(shared);
  }
  return { worst, at, times };
}

/** Milliseconds of a call of the first case, the median of 12. */
async function callTime(servable, folder) {
  const [{ inputs, outputs }] = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
  const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));
  const times = [];
  for (let i = 0; i < 12; i++) {
    const start = performance.now();
    await servable.run("serving_default", given, Object.keys(outputs));
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[6];
}

/** The times as text, beside MXNet's. */
function timesOf(folder, { times }) {
  if (times?.call === undefined) return "";
  const file = join(folder, "mxnet.json");
  const theirs = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const figures = [times.import, times.load, times.call, theirs.load_ms, theirs.call_ms];
  return ` ${figures.map((figure) => figure?.toFixed(figure < 10 ? 2 : 0) ?? "-").join(" ")}`;
}

const folders = positionals.flatMap((root) =>
  existsSync(join(root, "golden.json"))
    ? [root]
    : readdirSync(root)
        .map((name) => join(root, name))
        .filter((folder) => existsSync(join(folder, "golden.json"))),
);
const failures = [];
let worst = 0;
for (const folder of folders) {
  const name = basename(folder);
  try {
    const result = await compare(folder);
    const half = /f16|float16/.test(name);
    if (result.wrong !== undefined || !(result.worst <= (half ? 5e-3 : 1e-5))) {
      failures.push(`${name}: ${result.wrong ?? `${result.at} differs by ${result.worst.toExponential(1)}`}`);
    } else if (!half) worst = Math.max(worst, result.worst);
    if (folders.length < 30)
      console.log(`${name}: ${result.worst.toExponential(1)} ${result.wrong ?? ""}${timesOf(folder, result)}`);
  } catch (reason) {
    failures.push(`${name}: ${reason.message}`);
  }
}
for (const failure of failures) console.log(failure);
console.log(`${folders.length - failures.length} of ${folders.length} agree, the worst by ${worst.toExponential(1)}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** A tensor of its own dtype or another. */
function tensorOf({ dtype, shape, data }, as = dtype) {
  const type = ARRAY_TYPES[as];
  const array = new type.array(data.length * type.width);
  for (const [i, value] of data.entries()) {
    const number = Number(value);
    array[i] = as === "int64" || as === "uint64" ? BigInt(number) : as === "float16" ? halfBits(number) : number;
  }
  return { dtype: as, shape, data: array };
}

/** The largest difference as a part of the largest number, Infinity where one of the two is not a number. */
function differenceOf(got, { data }) {
  let [largest, difference] = [0, 0];
  for (const [i, value] of data.entries()) {
    const wanted = Number(value);
    const raw = got.data[i];
    const found = got.dtype === "float16" ? halfValue(Number(raw)) : Number(raw);
    if (Object.is(found, wanted) || found === wanted) {
      if (Number.isFinite(wanted)) largest = Math.max(largest, Math.abs(wanted));
      continue;
    }
    if (!Number.isFinite(found) || !Number.isFinite(wanted)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(wanted));
    difference = Math.max(difference, Math.abs(found - wanted));
  }
  return difference === 0 ? 0 : difference / Math.max(largest, 1e-30);
}

/** Of a number that a half can hold. */
function halfBits(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = (bits >>> 13) & 0x3ff;
  if (value === 0) return sign;
  if (exponent <= 0) return sign | (Math.round(Math.abs(value) * 2 ** 24) & 0x3ff);
  return sign | (exponent << 10) | fraction;
}

function halfValue(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
