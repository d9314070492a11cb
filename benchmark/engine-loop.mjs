// Measures the engine without the network, in this process: ONNX Runtime's own Run on tensors that stay, and the servable's run,
// which makes and reads the tensors of every call. What is left of a row of server-load.mjs is the server's work.
import { existsSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { makeRows, WIDTHS } from "./request-bodies.mjs";

const CASES = [
  { model: "simplest", batch: 1, outputs: 1 },
  { model: "mnist_mlp", batch: 1, outputs: 10 },
  { model: "mnist_mlp", batch: 100, outputs: 10 },
];
const FLOAT = 1;
const SECONDS = Number(process.argv[2] ?? 1);

const { environment, openLibrary } = await built("runtimes/onnxruntime/library.js");
const { resolveSessionOptions } = await built("runtimes/onnxruntime/options.js");
const { createSession } = await built("runtimes/onnxruntime/session.js");
const { createRuntimes } = await built("runtimes/registry.js");

const library = openLibrary();
const runtime = createRuntimes({ onnxruntime: {} }).get("onnxruntime");
const never = new AbortController().signal;

console.log(`ONNX Runtime ${library.version}, Node ${process.versions.node}, one thread\n`);
console.log("| model | rows | bare Run, µs | CPU, µs | servable's run, µs | CPU, µs |");
console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
for (const { model, batch, outputs } of CASES) {
  const file = join(import.meta.dirname, "models", model, "1", "model.onnx");
  const data = Float32Array.from(makeRows(model, batch).flat());
  const bare = await measure(await bareRun(file, data, [batch, WIDTHS[model]], [batch, outputs]));
  const loaded = await runtime.load({ runtime: "onnxruntime", file }, never);
  const servable = runtime.attach(loaded);
  const inputs = new Map([["x", { dtype: "float32", shape: [batch, WIDTHS[model]], data }]]);
  const served = await measure(() => servable.run("serving_default", inputs, ["y"]));
  servable.detach();
  await runtime.unload(loaded);
  console.log(
    `| ${model} | ${batch} | ${[bare.wall, bare.cpu, served.wall, served.cpu].map((us) => us.toFixed(1)).join(" | ")} |`,
  );
}

/** A module of the built server. */
async function built(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(url)) throw new Error("the server is not built: run `npm run build` first");
  return import(url.href);
}

/** A function that runs the model once on tensors made beforehand. They live until the process ends. */
async function bareRun(file, data, inputShape, outputShape) {
  const { api, cpuMemory } = library;
  environment(library);
  const session = await createSession(library, file, resolveSessionOptions({}), never);
  // Buffers of their own, which the function returned keeps: small typed arrays lie on V8's heap and may move.
  const own = (array) => new array.constructor(new ArrayBuffer(array.byteLength)).fill(0);
  const input = own(data);
  input.set(data);
  const output = new Float32Array(new ArrayBuffer(outputShape[0] * outputShape[1] * 4));
  const tensor = (numbers, shape) => {
    const place = new BigUint64Array(new ArrayBuffer(8));
    check(api.createTensorWithData(cpuMemory, numbers, numbers.byteLength, BigInt64Array.from(shape, BigInt), 2, FLOAT, place));
    return place;
  };
  const names = ["x\0", "y\0"]
    .map((name) => new TextEncoder().encode(name))
    .map((bytes) => {
      const copy = new Uint8Array(new ArrayBuffer(bytes.length));
      copy.set(bytes);
      return copy;
    });
  const [inputNames, outputNames] = names.map((name) => {
    const place = new BigUint64Array(new ArrayBuffer(8));
    place[0] = koffi.address(name);
    return place;
  });
  const inputValue = tensor(input, inputShape);
  const outputValue = tensor(output, outputShape);
  return () => {
    check(api.run(session, null, inputNames, inputValue, 1n, outputNames, 1n, outputValue));
    return { names, input, output };
  };
}

function check(status) {
  if (status !== null) throw new Error(library.api.getErrorMessage(status));
}

/** Microseconds of wall clock and of CPU that one call takes, after a warm-up. */
async function measure(call) {
  await repeat(call, 0.3);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const count = await repeat(call, SECONDS);
  const wall = ((performance.now() - started) * 1_000) / count;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall, cpu: (user + system) / count };
}

async function repeat(call, seconds) {
  const end = performance.now() + seconds * 1_000;
  let count = 0;
  do {
    for (let turn = 0; turn < 20; turn++, count++) {
      const answer = call();
      if (answer instanceof Promise) await answer;
    }
  } while (performance.now() < end);
  return count;
}
