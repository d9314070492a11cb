import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { publishVersion, removeVersion, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { gatherModel } from "../support/large-model.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, freePort, type RunningServer, startServer } from "../support/server.ts";

/** Kills: a few in the ordinary run, `KILLS=500` for the record. */
const KILLS = Number(process.env.KILLS ?? 5);
/** 4 MB of weights: long enough to be met while loading. */
const WEIGHTS = 1_000_000;
/** The kill comes within so many milliseconds of the swap that begins each round. */
const KILLED_WITHIN_MS = 150;

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop("SIGKILL");
  server = undefined;
});

test(
  `a server that is killed ${KILLS} times under load, in the middle of loading, starts again on its ports and sockets each time`,
  async () => {
    const root = folder();
    const base = join(root, "half");
    const large = join(root, "large");
    const path = join(root, "s.sock");
    const config = join(root, "models.config");
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
    mkdirSync(join(large, "1"), { recursive: true });
    writeFileSync(join(large, "1", "model.onnx"), gatherModel(WEIGHTS));
    writeFileSync(
      config,
      `model_config_list { config { name: "half" base_path: "${base}" model_platform: "onnx" }
                           config { name: "large" base_path: "${large}" model_platform: "onnx" } }`,
    );
    const ports = [await freePort(), await freePort()] as const;
    const args = [`--model_config_file=${config}`, "--threads=2", `--grpc_socket_path=${path}`];
    const wrong: string[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const running = await startServer([...args, `--port=${ports[0]}`, `--rest_api_port=${ports[1]}`], { ports });
      server = running;
      // What the config names is served, over both ports and the socket that the dead one left.
      const { status, text } = await rest(`${running.url}/v1/models/half:predict`, '{"instances": [1.0, 2.0]}');
      expect([kill, status, JSON.parse(text)]).toEqual([kill, 200, { predictions: [2.5, 3] }]);
      expect((await rest(`${running.url}/v1/models/large:predict`, '{"inputs": [7]}')).status).toBe(200);
      const client = new GrpcClient({ path });
      expect((await grpcPredict(client, "half")).values).toEqual([2.5, 3]);
      client.close();

      let alive = true;
      const load = Array.from({ length: 4 }, async () => {
        while (alive) {
          const answer = await rest(`${running.url}/v1/models/half:predict`, '{"instances": [1.0, 2.0]}').catch(() => undefined);
          if (answer !== undefined && !(answer.status === 200 && answer.text.includes("[2.5, 3.0"))) wrong.push(answer.text);
        }
      });
      publishVersion(base, kill + 1, HALF_PLUS_TWO);
      removeVersion(base, kill);
      // Spread over the round by the golden ratio: no two rounds are alike, and every run is the same.
      await new Promise((resolve) => setTimeout(resolve, ((kill * 0.618) % 1) * KILLED_WITHIN_MS));
      expect(await running.stop("SIGKILL")).toBe(null);
      alive = false;
      await Promise.all(load);
    }
    expect(wrong).toEqual([]);
    // Nothing of the server's own is left beside the models.
    expect(readdirSync(root).toSorted()).toEqual(["half", "large", "models.config", "s.sock"]);
    server = await startServer([...args, `--port=${ports[0]}`, `--rest_api_port=${ports[1]}`], { ports });
    await eventually(async () => (await rest(`${server!.url}/readyz`)).status === 200);
    expect(await server.stop()).toBe(0);
  },
  KILLS * 10_000 + 30_000,
);
