// Measures what a processing file costs a request, without the network and without a model: the wrapped servable's run around an engine
// that answers at once with what it has. The first argument is the length of a measurement in seconds.
import { existsSync } from "node:fs";
import { cpus } from "node:os";

const SECONDS = Number(process.argv[2] ?? 1);
const CLASSES = 1000;
const SIDE = 224;

const { parseProcessing } = await built("config/processing-document.js");
const { withProcessing } = await built("processing/processed-servable.js");

const labels = Array.from({ length: CLASSES }, (_, i) => `class number ${i}`);
const scores = Float32Array.from({ length: CLASSES }, (_, i) => Math.sin(i * 12.9898) * 8);
const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => i * 31);
const floats = Float32Array.from(pixels);
const image = (dtype, data) => ({ dtype, shape: [1, SIDE, SIDE, 3], data });
const channels = 'scale: "1/255", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]';

const CASES = [
  { name: "no step, an output chosen", file: "outputs: [y]", x: image("float32", floats) },
  {
    name: "softmax, top_k of 5, labels; 1000 classes",
    file: `postprocess: [{softmax: }, {top_k: {k: 5, vocabulary: ${JSON.stringify(labels)}}}]`,
    x: image("float32", floats),
  },
  {
    name: "normalize 224x224x3, uint8 to float32",
    file: `inputs: {x: {dtype: uint8}}\npreprocess: [{normalize: {${channels}}}]`,
    x: image("uint8", pixels),
  },
  { name: "normalize 224x224x3, float32", file: `preprocess: [{normalize: {${channels}}}]`, x: image("float32", floats) },
  {
    name: "layout 224x224x3, uint8 to NCHW and float32",
    file: `inputs: {x: {dtype: uint8, shape: [-1, ${SIDE}, ${SIDE}, 3]}}\npreprocess: [{layout: {to: NCHW}}, {cast: {to: float32}}]`,
    x: image("uint8", pixels),
    shape: [-1, 3, SIDE, SIDE],
  },
];

console.log(`Node ${process.versions.node}, one thread of ${cpus()[0]?.model ?? "an unknown processor"}\n`);
console.log("| steps | µs a request | CPU, µs |");
console.log("| --- | ---: | ---: |");
for (const { name, file, x, shape = [-1, SIDE, SIDE, 3] } of CASES) {
  const inner = new Map([
    [
      "serving_default",
      {
        inputs: [{ alias: "x", name: "x", dtype: "float32", shape }],
        outputs: [{ alias: "y", name: "y", dtype: "float32", shape: [-1, CLASSES] }],
        methodName: "tensorflow/serving/predict",
      },
    ],
  ]);
  const answer = new Map([["y", { dtype: "float32", shape: [1, CLASSES], data: scores }]]);
  const engine = { runtime: "onnxruntime", signatures: inner, run: () => answer, detach: () => undefined };
  const processing = { ...parseProcessing(file, "processing.yaml"), inner };
  const servable = withProcessing({ processing }, engine);
  const inputs = new Map([["x", x]]);
  const wanted = servable.signatures.get("serving_default").outputs.map(({ alias }) => alias);
  const { wall, cpu } = measure(() => servable.run("serving_default", inputs, wanted));
  console.log(`| ${name} | ${wall.toFixed(1)} | ${cpu.toFixed(1)} |`);
}

/** A module of the built server. */
async function built(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(url)) throw new Error("the server is not built: run `npm run build` first");
  return import(url.href);
}

/** Microseconds of wall clock and of CPU that one call takes, after a warm-up. */
function measure(call) {
  repeat(call, 0.3);
  const before = process.cpuUsage();
  const started = performance.now();
  const count = repeat(call, SECONDS);
  const wall = ((performance.now() - started) * 1000) / count;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / count };
}

function repeat(call, seconds) {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  do for (let turn = 0; turn < 5; turn++, count++) call();
  while (performance.now() < end);
  return count;
}
