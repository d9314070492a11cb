import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { gatherModel } from "../support/large-model.ts";
import { reload } from "../support/reload.ts";
import { rest } from "../support/rest.ts";
import { startServer } from "../support/server.ts";

/** 8 MB of weights: of 180 versions, thirteen that are lost show. `SWAP_MEGABYTES=50 SWAPS=1000` is the long run. */
const WEIGHTS = Number(process.env.SWAP_MEGABYTES ?? 8) * 250_000;
const SWAPS = Number(process.env.SWAPS ?? 200);
/** Swaps after which the caches and pools are there. */
const SETTLED = 20;
/** Kilobytes that the allocator's arenas may gain; they grow over some hundred swaps, by 45,000 at most so far, and then stay. */
const ROOM = 100_000;

test.skipIf(process.platform !== "linux")(
  `${SWAPS} models loaded, asked and unloaded leave memory, descriptors and threads as they were (Linux only)`,
  async () => {
    const folder = temporaryFolder();
    const model = gatherModel(WEIGHTS);
    for (const name of ["a", "b"]) {
      mkdirSync(join(folder.path, name, "1"), { recursive: true });
      writeFileSync(join(folder.path, name, "1", "model.onnx"), model);
    }
    const server = await startServer(["--model_name=a", `--model_base_path=${folder.path}/a`, "--threads=2", "--log_level=warn"]);
    const client = new GrpcClient(server.port);
    const proc = `/proc/${server.process.pid}`;
    const measure = () => ({
      kilobytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, "utf8"))?.[1]),
      descriptors: readdirSync(`${proc}/fd`).length,
      threads: readdirSync(`${proc}/task`).length,
    });
    const samples: ReturnType<typeof measure>[] = [];
    try {
      for (let swap = 1; swap <= SWAPS; swap++) {
        const name = swap % 2 === 0 ? "a" : "b";
        await reload(client, [[name, join(folder.path, name)]]);
        const { status, text } = await rest(`${server.url}/v1/models/${name}:predict`, '{"inputs": [7, 8]}');
        expect([status, JSON.parse(text)]).toEqual([200, { outputs: [0, 0] }]);
        samples.push(measure());
      }
    } finally {
      client.close();
      await server.stop();
      folder.remove();
    }
    if (process.env.SWAPS !== undefined) {
      const every = Math.max(1, Math.floor(SWAPS / 20));
      const shown = samples.flatMap((sample, index) => ((index + 1) % every === 0 ? [{ swap: index + 1, ...sample }] : []));
      process.stdout.write(`${shown.map((sample) => JSON.stringify(sample)).join("\n")}\n`);
    }
    // What is being swapped at the moment comes and goes: the least of some swaps is what stays.
    const least = (from: number, to: number, what: keyof (typeof samples)[number]) =>
      Math.min(...samples.slice(from, to).map((sample) => sample[what]));
    for (const what of ["kilobytes", "descriptors", "threads"] as const) {
      const settled = least(SETTLED, 2 * SETTLED, what);
      const last = least(SWAPS - SETTLED, SWAPS, what);
      expect(last, what).toBeLessThanOrEqual(settled + (what === "kilobytes" ? ROOM : 0));
    }
  },
  60_000 + SWAPS * 1000,
);
