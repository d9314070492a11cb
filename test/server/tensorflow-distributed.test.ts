import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { pythonWith } from "../support/python.ts";
import { reload } from "../support/reload.ts";
import { type RestAnswer, rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

const python = pythonWith("tensorflow");
const temporary = temporaryFolder();
const folder = temporary.path;

describe.skipIf(LIBRARY === undefined || python === undefined)(
  `a model on a cluster of TensorFlow's own servers (${NO_LIBRARY}, or without PyPI tensorflow)`,
  () => {
    let cluster: ChildProcess;
    let target: string;
    let server: RunningServer;

    beforeAll(async () => {
      mkdirSync(join(folder, "far"));
      const script = new URL("./tensorflow_cluster.py", import.meta.url).pathname;
      cluster = spawn(python!, [script, join(folder, "far")], { stdio: ["pipe", "pipe", "ignore"] });
      let printed = "";
      for await (const text of cluster.stdout!.setEncoding("utf8")) {
        printed += text as string;
        if (/ready \d+\n/.test(printed)) break;
      }
      const worker = /ready (\d+)/.exec(printed)?.[1];
      expect(worker, "the cluster did not come up").toBeDefined();
      target = `grpc://127.0.0.1:${worker}`;
      const config = join(folder, "models.json");
      const near = { base_path: fixture("tensorflow", "tf2_two_versions"), version_policy: { specific: [1] } };
      const far = { base_path: "far", session_target: target };
      writeFileSync(config, JSON.stringify({ models: { far, near } }));
      const flags = [
        `--model_config_file=${config}`,
        `--tensorflow_library=${LIBRARY}`,
        "--rest_api_timeout_in_ms=10000",
        "--threads=1",
      ];
      server = await startServer(flags);
    }, 120_000);

    afterAll(async () => {
      await server?.stop();
      cluster?.kill("SIGKILL");
      temporary.remove();
    }, 60_000);

    const ask = (url: string, model: string): Promise<RestAnswer> =>
      rest(`${url}/v1/models/${model}:predict`, '{"inputs": [1, 3]}');
    const outputs = async (url: string, model: string): Promise<unknown> =>
      (JSON.parse((await ask(url, model)).text) as { outputs: unknown }).outputs;

    test("is answered by the cluster, beside one that is answered in this process", async () => {
      for (let i = 0; i < 5; i++) {
        expect(await outputs(server.url, "far")).toEqual([2.5, 3.5]);
        expect(await outputs(server.url, "near")).toEqual([2.5, 3.5]);
      }
    });

    test("is answered by the cluster when the flag says so", async () => {
      const flags = [`--session_target=${target}`, `--tensorflow_library=${LIBRARY}`];
      const flagged = await startServer([join(folder, "far"), ...flags]);
      try {
        expect(await outputs(flagged.url, "far")).toEqual([2.5, 3.5]);
      } finally {
        await flagged.stop();
      }
    }, 60_000);

    test("fails by itself once the cluster is gone, and the other model is answered", async () => {
      cluster.stdin!.end();
      await once(cluster, "exit");
      const answer = await ask(server.url, "far");
      expect(answer.status, answer.text).toBe(504);
      expect(await outputs(server.url, "near")).toEqual([2.5, 3.5]);
    }, 60_000);

    test("keeps no other model's run, load or unload from a thread of the pool while requests wait for it", async () => {
      let answered = 0;
      const waiting = Array.from({ length: 12 }, () => ask(server.url, "far").finally(() => answered++));
      const loop = fixture("tensorflow", "runtime", "loop");
      const client = new GrpcClient(server.port);
      // The first run of a model is always done in the pool, and so is its load.
      const models = JSON.parse(readFileSync(join(folder, "models.json"), "utf8")) as {
        models: Record<string, { base_path: string }>;
      };
      const listed = Object.entries({ ...models.models, loop: { base_path: loop } });
      try {
        await reload(
          client,
          listed.map(([name, { base_path: path }]) => [name, resolve(folder, path)]),
          "tensorflow",
        );
        const { text } = await rest(`${server.url}/v1/models/loop:predict`, '{"inputs": 3}');
        expect(JSON.parse(text)).toEqual({ outputs: 3 });
        expect(answered).toBe(0);
      } finally {
        client.close();
      }
      for (const { status } of await Promise.all(waiting)) expect(status).toBe(504);
    }, 60_000);

    // TensorFlow would wait for the cluster for a minute.
    test("does not keep the server from its end", async () => expect(await server.stop()).toBe(0), 45_000);
  },
);

describe.skipIf(LIBRARY === undefined)(`device placement (${NO_LIBRARY})`, () => {
  test("is printed by TensorFlow when the session config asks for it", async () => {
    const flags = ['--session_config={"log_device_placement": true}', `--tensorflow_library=${LIBRARY}`];
    const server = await startServer([fixture("tensorflow", "tf1_simple_save"), ...flags]);
    try {
      expect(server.stdout()).toMatch(/\(MatMul\): \/job:localhost\/replica:0\/task:0\/device:CPU:0/);
    } finally {
      await server.stop();
    }
  });
});
