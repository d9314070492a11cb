import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { gatherModel } from "../support/large-model.ts";
import { reload } from "../support/reload.ts";
import { rest } from "../support/rest.ts";
import { startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

/** 8 MB of weights: of 180 versions, thirteen that are lost show. `SWAP_MEGABYTES=50 SWAPS=1000` is the long run. */
const WEIGHTS = Number(process.env.SWAP_MEGABYTES ?? 8) * 250_000;
const SWAPS = Number(process.env.SWAPS ?? 200);
/** Swaps after which the caches and pools are there. */
const SETTLED = 20;
/** Kilobytes that the allocator's arenas may gain; they grow over some hundred swaps, by 45,000 at most so far, and then stay. */
const ROOM = 100_000;

/** Models that are swapped: where their folders lie, what the server is told of them, and how one is asked. */
interface SwappedModels {
  readonly platform: string;
  readonly folders: Readonly<Record<"a" | "b", string>>;
  readonly flags: readonly string[];
  readonly body: string;
  readonly outputs: unknown;
}

interface Sample {
  readonly kilobytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** Takes one model away, loads the other and asks it, over and over; what the process has after each. */
async function swap({ platform, folders, flags, body, outputs }: SwappedModels): Promise<readonly Sample[]> {
  const first = ["--model_name=a", `--model_base_path=${folders.a}`, `--model_platform=${platform}`];
  const server = await startServer([...first, "--threads=2", "--log_level=warn", ...flags]);
  const client = new GrpcClient(server.port);
  const proc = `/proc/${server.process.pid}`;
  const samples: Sample[] = [];
  try {
    for (let swap = 1; swap <= SWAPS; swap++) {
      const name = swap % 2 === 0 ? "a" : "b";
      await reload(client, [[name, folders[name]]], platform);
      const { status, text } = await rest(`${server.url}/v1/models/${name}:predict`, body);
      expect([status, JSON.parse(text)]).toEqual([200, { outputs }]);
      samples.push({
        kilobytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, "utf8"))?.[1]),
        descriptors: readdirSync(`${proc}/fd`).length,
        threads: readdirSync(`${proc}/task`).length,
      });
    }
  } finally {
    client.close();
    await server.stop();
  }
  return samples;
}

function expectLevel(samples: readonly Sample[]): void {
  if (process.env.SWAPS !== undefined) {
    const every = Math.max(1, Math.floor(SWAPS / 20));
    const shown = samples.flatMap((sample, index) => ((index + 1) % every === 0 ? [{ swap: index + 1, ...sample }] : []));
    process.stdout.write(`${shown.map((sample) => JSON.stringify(sample)).join("\n")}\n`);
  }
  // What is being swapped at the moment comes and goes: the least of some swaps is what stays.
  const least = (from: number, to: number, what: keyof Sample) =>
    Math.min(...samples.slice(from, to).map((sample) => sample[what]));
  for (const what of ["kilobytes", "descriptors", "threads"] as const) {
    const settled = least(SETTLED, 2 * SETTLED, what);
    const last = least(SWAPS - SETTLED, SWAPS, what);
    expect(last, what).toBeLessThanOrEqual(settled + (what === "kilobytes" ? ROOM : 0));
  }
}

const TIMEOUT_MS = 60_000 + SWAPS * 1000;

describe.skipIf(process.platform !== "linux")("memory, descriptors and threads stay as they were (Linux only)", () => {
  test(
    `when ${SWAPS} ONNX models are loaded, asked and unloaded`,
    async () => {
      const folder = temporaryFolder();
      const model = gatherModel(WEIGHTS);
      const folders = { a: join(folder.path, "a"), b: join(folder.path, "b") };
      for (const base of Object.values(folders)) {
        mkdirSync(join(base, "1"), { recursive: true });
        writeFileSync(join(base, "1", "model.onnx"), model);
      }
      try {
        expectLevel(await swap({ platform: "onnx", folders, flags: [], body: '{"inputs": [7, 8]}', outputs: [0, 0] }));
      } finally {
        folder.remove();
      }
    },
    TIMEOUT_MS,
  );

  test.skipIf(LIBRARY === undefined)(
    `when ${SWAPS} SavedModels are loaded, asked and unloaded (${NO_LIBRARY})`,
    async () => {
      const folder = temporaryFolder();
      const folders = { a: join(folder.path, "a"), b: join(folder.path, "b") };
      for (const base of Object.values(folders))
        cpSync(fixture("tensorflow", "tf2_two_versions", "1"), join(base, "1"), { recursive: true });
      const flags = [`--tensorflow_library=${LIBRARY}`];
      try {
        expectLevel(await swap({ platform: "tensorflow", folders, flags, body: '{"inputs": [1, 3]}', outputs: [2.5, 3.5] }));
      } finally {
        folder.remove();
      }
    },
    TIMEOUT_MS,
  );
});
