// Measures programs of torch.export natively beside torch in Python, in turns, without the network: after a build and after
// `python tools/reference-models/pytorch/export_models.py FOLDER NAME...`
//
//   node benchmark/exported-programs.mjs --python=PYTHON --folder=FOLDER [--rounds=3] [--seconds=1] [NAME ...]
//
// Both sides have one thread; a batch of two.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { interleave, median, pairedRatio, table } from "./measurements.mjs";

const NAMES = [
  "resnet18",
  "resnet50",
  "mobilenet_v3_small",
  "efficientnet_b0",
  "vit_b_32",
  "swin_t",
  "bert",
  "gpt2",
  "lstm",
  "transformer_encoder",
];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string" },
    folder: { type: "string" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
  },
});
const { pt2Platform } = await built("platforms/pytorch/pt2-platform.js");
const { OnnxRuntime } = await built("runtimes/onnxruntime/onnx-runtime.js");
const { ARRAY_TYPES } = await built("tensor/dtype.js");
const never = new AbortController().signal;
const seconds = Number(values.seconds);
const script = join(import.meta.dirname, "torch_loop.py");
const lines = [];
for (const name of positionals.length > 0 ? positionals : NAMES) {
  const own = await ownCell(join(values.folder, name));
  const torch = () =>
    JSON.parse(
      execFileSync(values.python, [script, values.folder, name, values.seconds], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    );
  const [here, there] = await interleave([own, torch], Number(values.rounds));
  const middle = (rounds, key) => median(rounds.map((round) => round[key]));
  lines.push([
    name,
    ...[middle(here, "cpu"), middle(there, "cpu")].map((us) => (us / 1000).toFixed(2)),
    pairedRatio(here, there, "cpu").toFixed(2),
    pairedRatio(here, there, "wall").toFixed(2),
  ]);
  console.error(lines.at(-1).join(", "));
}
console.log(table(["[network]", "here, ms of CPU", "torch, ms of CPU", "ratio", "ratio of wall time"], lines));

async function ownCell(folder) {
  const { inputs } = JSON.parse(readFileSync(join(folder, "io.json"), "utf8"));
  const given = new Map(inputs.map((input) => [input.name, tensorOf(folder, input)]));
  const runtime = new OnnxRuntime({ intraOpThreads: 1 });
  const shared = await runtime.load(await pt2Platform.read(join(folder, "model.pt2"), never), never);
  const servable = runtime.attach(shared);
  const wanted = shared.signatures.get("serving_default").outputs.map(({ alias }) => alias);
  const call = async () => await servable.run("serving_default", given, wanted);
  for (let i = 0; i < 5; i++) await call();
  return async () => {
    const [start, begun] = [performance.now(), process.cpuUsage()];
    let calls = 0;
    while (performance.now() - start < seconds * 1000) {
      await call();
      calls++;
    }
    const { user, system } = process.cpuUsage(begun);
    return { wall: ((performance.now() - start) / calls) * 1000, cpu: (user + system) / calls };
  };
}

function tensorOf(folder, { dtype, shape, file }) {
  const bytes = Uint8Array.from(readFileSync(join(folder, file)));
  const { array, bytes: size, width } = ARRAY_TYPES[dtype];
  return { dtype, shape, data: new array(bytes.buffer, 0, (bytes.length / size) * width) };
}

/** A module of the built server. */
async function built(path) {
  const url = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(url)) throw new Error("the server is not built: run `npm run build` first");
  return import(url.href);
}
