import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { modelStatus } from "../support/model-status.ts";
import { HALF_PLUS_TWO, ROUNDS } from "../support/predict.ts";
import { reload } from "../support/reload.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

/** Files with a flipped byte: a sample in the ordinary run, `FLIPS=10000` for the record. */
const FLIPS = Number(process.env.FLIPS ?? 300);
/** Models loaded by one reload. */
const BATCH = 100;

/** Models, each with a request that it answers when it is whole. */
const MODELS: readonly (readonly [file: string, request: object])[] = [
  [HALF_PLUS_TWO, { instances: [1] }],
  [
    fixture("onnx", "torch_textlstm", "model.onnx"),
    { inputs: Array.from({ length: 2 }, () => Array.from({ length: 12 }, (_, i) => i)) },
  ],
  [ROUNDS, { inputs: { n: 3, x: [0.5] } }],
  [fixture("onnx", "torch_mlp", "model.onnx"), { inputs: [Array.from({ length: 20 }, () => 0.5)] }],
];

let server: RunningServer | undefined;
let client: GrpcClient | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  client?.close();
  await server?.stop("SIGKILL");
  server = undefined;
});

interface Flip {
  readonly name: string;
  /** Which of the models. */
  readonly model: number;
  readonly offset: number;
  readonly mask: number;
}

/** Always the same: the n-th flip is the n-th number of a linear congruential generator. */
function flips(sources: readonly Buffer[]): readonly Flip[] {
  let state = 20_261_122;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: FLIPS }, (_, index) => {
    const at = index % sources.length;
    const source = sources[at]!;
    // Most of a file may be weights, where any value will do: every other flip is in its first or last kilobyte.
    const edge = Math.min(source.length, 1024);
    const near = next(2) === 0;
    const offset = near ? (next(2) === 0 ? next(edge) : source.length - 1 - next(edge)) : next(source.length);
    return { name: `flip-${index}`, model: at, offset, mask: 1 + next(255) };
  });
}

test(
  `${FLIPS} models with one flipped byte load or end with a reason, and neither they nor their runs harm the process`,
  async () => {
    const root = folder();
    mkdirSync(join(root, "good", "1"), { recursive: true });
    writeFileSync(join(root, "good", "1", "model.onnx"), readFileSync(HALF_PLUS_TWO));
    const sources = MODELS.map(([file]) => readFileSync(file));
    const running = await startServer([
      "--model_name=good",
      `--model_base_path=${root}/good`,
      "--threads=1",
      "--log_level=error",
    ]);
    server = running;
    client = new GrpcClient(running.port);
    const died = new Promise((resolve) => running.process.once("exit", resolve));
    const predict = async (name: string, model: number) =>
      String((await rest(`${running.url}/v1/models/${name}:predict`, JSON.stringify(MODELS[model]![1]))).status);
    const counts = new Map<string, number>();
    const all = flips(sources);
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH);
      for (const { name, model, offset, mask } of batch) {
        const bytes = Buffer.from(sources[model]!);
        bytes[offset] = bytes[offset]! ^ mask;
        mkdirSync(join(root, name, "1"), { recursive: true });
        writeFileSync(join(root, name, "1", "model.onnx"), bytes);
      }
      // A process that dies here is what this test looks for; the message then says with which files.
      const about = () => `died with ${JSON.stringify(batch)}\n${running.stderr().slice(-2000)}`;
      const models = ["good", ...batch.map(({ name }) => name)].map((name) => [name, join(root, name)] as const);
      await Promise.race([reload(client, models).catch(() => undefined), died]);
      expect(running.process.exitCode ?? running.process.signalCode, about()).toBeNull();
      for (const { name, model } of batch) {
        const [version] = await eventually(async () => {
          const found = await modelStatus(running.url, name).catch(() => []);
          if (running.process.signalCode !== null) throw new Error(about());
          return (found[0]?.state === "END" || found[0]?.state === "AVAILABLE") && found;
        });
        if (version.state === "END") expect(version.status.error_message, name).toMatch(/model\.onnx/);
        const outcome = version.state === "END" ? "refused" : await predict(name, model);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      }
      const { status, text } = await rest(`${running.url}/v1/models/good:predict`, '{"instances": [1.0]}');
      expect([status, JSON.parse(text)], about()).toEqual([200, { predictions: [2.5] }]);
      for (const { name } of batch) rmSync(join(root, name), { recursive: true });
    }
    if (process.env.FLIPS !== undefined) process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`);
    expect(counts.get("refused")).toBeGreaterThan(FLIPS / 10);
    client.close();
    expect(await running.stop()).toBe(0);
  },
  FLIPS * 200 + 60_000,
);
