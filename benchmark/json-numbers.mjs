// Measures the reading and writing of JSON numbers in one thread, without a server: `npm run build` first. MB are of JSON text.
// --seconds=0.5 is how long each cell is measured; the best pass counts, since other work only ever makes one slower.

import { scanDocument } from "../dist/codec/json/document.js";
import { readNumberBlockByModule } from "../dist/codec/json/module-number-block.js";
import { numberModule, withoutNumberModule } from "../dist/codec/json/number-module/number-module.js";
import { readNumberBlockPlainly } from "../dist/codec/json/plain-number-block.js";
import { readPredictInputs } from "../dist/codec/json/predict-inputs.js";
import { writePredictResponse } from "../dist/codec/json/predict-response.js";

const ROWS = 100;
const COLUMNS = 784;
const seconds = Number(process.argv.find((argument) => argument.startsWith("--seconds="))?.slice(10) ?? 0.5);

const started = performance.now();
const module = numberModule();
if (module === undefined) throw new Error("this Node has no WebAssembly with vectors");
console.log(`module compiled in ${(performance.now() - started).toFixed(1)} ms\n`);

/** The shortest text that reads back as the same float32. */
function shortestFloat32(value) {
  for (let digits = 6; ; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
}

const NUMBERS = [
  ["six decimals", "float32", () => Math.random().toFixed(6)],
  ["float32, shortest", "float32", () => shortestFloat32(Math.fround(Math.random()))],
  ["float64, shortest", "float32", () => String(Math.random())],
  ["float64, shortest", "float64", () => String(Math.random())],
  ["integers to 255", "float32", () => String(Math.floor(Math.random() * 256))],
  ["integers to 255", "uint8", () => String(Math.floor(Math.random() * 256))],
  ["integers to 2^53", "int64", () => String(Math.floor(Math.random() * 2 ** 53))],
];

/** Shortest time of one call in seconds. */
function fastest(action) {
  let best = Infinity;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const before = performance.now();
    action();
    best = Math.min(best, performance.now() - before);
  }
  return best / 1000;
}

const speed = (bytes, action) => (bytes / fastest(action) / 1e6).toFixed(0);

function bodyOf(number) {
  const row = () => `[${Array.from({ length: COLUMNS }, number).join(",")}]`;
  return Buffer.from(`{"instances":[${Array.from({ length: ROWS }, row).join(",")}]}`);
}

function parseAndCopy(body, array) {
  const values = new array(ROWS * COLUMNS);
  let count = 0;
  for (const row of JSON.parse(body.toString()).instances) {
    for (const value of row) values[count++] = array === BigInt64Array ? BigInt(value) : value;
  }
  return values;
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int64: BigInt64Array };

console.log(`reading ${ROWS} x ${COLUMNS} numbers, MB/s`);
console.log("| numbers written as | to | module | plain twin | `JSON.parse` and a copy | whole body | whole body, plain |");
console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
for (const [name, dtype, number] of NUMBERS) {
  const body = bodyOf(number);
  const start = body.indexOf("[");
  const limit = body.length - 1;
  const inputs = [{ alias: "x", name: "x", dtype, shape: undefined }];
  const whole = () => readPredictInputs(scanDocument(body), inputs);
  const cells = [
    speed(body.length, () => readNumberBlockByModule(module, body, start, limit, dtype)),
    speed(body.length, () => readNumberBlockPlainly(body, start, limit, dtype)),
    speed(body.length, () => parseAndCopy(body, ARRAYS[dtype])),
    speed(body.length, whole),
    withoutNumberModule(() => speed(body.length, whole)),
  ];
  console.log(`| ${[name, dtype, ...cells].join(" | ")} |`);
}

const ANSWERS = [
  ["uniform in [0, 1)", () => Math.random()],
  ["four decimals", () => Number(Math.random().toFixed(4))],
  ["e^-40 to 1", () => Math.exp(-40 * Math.random())],
];

console.log(`\nwriting an answer of ${ROWS} x ${COLUMNS} numbers, MB/s`);
console.log("| numbers | type | module | plain twin | `JSON.stringify` |");
console.log("| --- | --- | ---: | ---: | ---: |");
for (const [name, number] of ANSWERS) {
  for (const dtype of ["float32", "float64"]) {
    const data = ARRAYS[dtype].from({ length: ROWS * COLUMNS }, number);
    const outputs = new Map([["y", { dtype, shape: [ROWS, COLUMNS], data }]]);
    const write = () => writePredictResponse("row", outputs);
    const nested = Array.from({ length: ROWS }, (_, row) => Array.from(data.subarray(row * COLUMNS, (row + 1) * COLUMNS)));
    const stringify = () => Buffer.from(JSON.stringify({ predictions: nested }));
    const cells = [
      speed(write().length, write),
      withoutNumberModule(() => speed(write().length, write)),
      speed(stringify().length, stringify),
    ];
    console.log(`| ${[name, dtype, ...cells].join(" | ")} |`);
  }
}
