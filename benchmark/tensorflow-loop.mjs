// Measures TensorFlow without the network, in this process: the C API's own run on tensors that stay, and the servable's run, which
// makes and reads the tensors of every call. What is left of a row of `server-load.mjs --platform=tensorflow` is the server's work.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeRows, WIDTHS } from "./request-bodies.mjs";

const CASES = [
  { model: "simplest", batch: 1 },
  { model: "simplest", batch: 32 },
  { model: "simplest", batch: 100 },
  { model: "mnist_mlp", batch: 1 },
  { model: "mnist_mlp", batch: 32 },
  { model: "mnist_mlp", batch: 100 },
];
const SECONDS = Number(process.argv[2] ?? 1);

const { TensorFlowLibraries } = await built("provisioning/tensorflow-libraries.js");
const { openLibrary } = await built("runtimes/tensorflow/library.js");
const { GraphPlan } = await built("runtimes/tensorflow/graph-plan.js");
const { nativeTensor } = await built("runtimes/tensorflow/input-tensors.js");
const { inlineRunOptions } = await built("runtimes/tensorflow/run-options.js");
const { TensorFlowRuntime } = await built("runtimes/tensorflow/tensorflow-runtime.js");
const { tensorflowPlatform } = await built("platforms/tensorflow/tensorflow-platform.js");

const never = new AbortController().signal;
const { path } = await new TensorFlowLibraries({ library: process.env.TENSORFLOW_LIBRARY, autoInstall: false }).locate(never);
const library = openLibrary(path);
const runtime = new TensorFlowRuntime({}, async () => path);

console.log(`TensorFlow ${library.version}, Node ${process.versions.node}, one thread\n`);
console.log(
  "| model | rows | bare run in the caller's thread, µs | CPU, µs | bare run by default, µs | CPU, µs | servable's run, µs | CPU, µs |",
);
console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const { model, batch } of CASES) {
  const folder = join(import.meta.dirname, "saved-models", model, "1");
  const program = await tensorflowPlatform.read(folder, never);
  const loaded = await runtime.load(program, never);
  const data = Float32Array.from(makeRows(model, batch).flat());
  const input = { dtype: "float32", shape: [batch, WIDTHS[model]], data };
  const inline = await measure(bareRun(loaded, program, input, inlineRunOptions(library)));
  const pooled = await measure(bareRun(loaded, program, input, null));
  const servable = runtime.attach(loaded);
  const inputs = new Map([["x", input]]);
  for (let i = 0; i < 64; i++) await servable.run("serving_default", inputs, ["y"]);
  const served = await measure(() => servable.run("serving_default", inputs, ["y"]));
  await servable.detach();
  await runtime.unload(loaded);
  const figures = [inline, pooled, served].flatMap(({ wall, cpu }) => [wall, cpu]).map((us) => us.toFixed(1));
  console.log(`| ${model} | ${batch} | ${figures.join(" | ")} |`);
}

/** A module of the built server. */
async function built(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(url)) throw new Error("the server is not built: run `npm run build` first");
  return import(url.href);
}

/** A function that runs the model once on a tensor made beforehand, which lives until the process ends. */
function bareRun({ handle }, program, input, options) {
  const { api, status } = library;
  const signature = program.signatures.get("serving_default");
  const parts = { feeds: [signature.inputs[0].name], fetches: [signature.outputs[0].name] };
  const { inputs, outputs, inputValues, outputValues } = new GraphPlan({ library, ...handle }, parts);
  inputValues[0] = nativeTensor(library, input);
  return () => {
    api.sessionRun(handle.session, options, inputs, inputValues, 1, outputs, outputValues, 1, null, 0, null, status);
    if (api.getCode(status) !== 0) throw new Error(api.message(status));
    api.deleteTensor(outputValues[0]);
  };
}

/** Microseconds a call takes, by the clock and of CPU of the whole process; a run elsewhere is waited for. */
async function measure(call) {
  for (let i = 0; i < 500; i++) await call();
  let calls = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1000) {
    for (let i = 0; i < 50; i++) {
      const result = call();
      if (result instanceof Promise) await result;
    }
    calls += 50;
  }
  const wall = ((performance.now() - start) * 1000) / calls;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / calls };
}
