import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { fixture, publishVersion, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { reload } from "../support/reload.ts";
import { rest } from "../support/rest.ts";
import { eventually, freePort, logLines, type RunningServer, startServer } from "../support/server.ts";

const BASE = fixture("identity", "saved_model_half_plus_two_2_versions");

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const predict = (url: string, path = "half") => rest(`${url}/v1/models/${path}:predict`, '{"instances": [1.0]}');

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

describe("where the server listens", () => {
  test("a port of 0 turns that one off, and the other speaks both protocols on one thread", async () => {
    const port = await freePort();
    server = await startServer(
      ["--model_name=half", `--model_base_path=${BASE}`, `--port=${port}`, "--rest_api_port=0", "--threads=1"],
      { ports: [port, 0] },
    );
    expect((await predict(server.url)).status).toBe(200);
    const client = new GrpcClient(port);
    expect((await grpcPredict(client, "half")).values).toEqual([2.5, 3]);
    client.close();
    expect(server.stdout()).toContain(`REST     http://127.0.0.1:${port}`);
    expect(await isOpen(8501)).toBe(false);
  });

  test("a socket file may take the place of the gRPC port, and goes with the server", async () => {
    const path = join(folder(), "s.sock");
    const restPort = await freePort();
    const flags = ["--port=0", `--rest_api_port=${restPort}`, `--grpc_socket_path=${path}`, "--threads=2"];
    server = await startServer(["--model_name=half", `--model_base_path=${BASE}`, ...flags], { ports: [0, restPort] });
    // More calls than threads, each on a connection of its own.
    for (let call = 0; call < 6; call++) {
      const client = new GrpcClient({ path });
      expect((await grpcPredict(client, "half")).values).toEqual([2.5, 3]);
      client.close();
    }
    expect((await predict(server.url)).status).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test("a socket file that a dead server left is taken over, a file is not", async () => {
    const path = join(folder(), "s.sock");
    const first = await startServer(["--model_name=half", `--model_base_path=${BASE}`, `--grpc_socket_path=${path}`]);
    await first.stop("SIGKILL");
    expect(existsSync(path)).toBe(true);
    server = await startServer(["--model_name=half", `--model_base_path=${BASE}`, `--grpc_socket_path=${path}`]);
    const client = new GrpcClient({ path });
    expect((await grpcPredict(client, "half")).values).toEqual([2.5, 3]);
    client.close();
    const file = join(folder(), "a-file");
    writeFileSync(file, "mine");
    await expect(startServer(["--model_name=half", `--model_base_path=${BASE}`, `--grpc_socket_path=${file}`])).rejects.toThrow(
      'socket file "a-file" exists and is not a socket',
    );
  });
});

describe("a config file that is read again", () => {
  const model = (name: string, base: string, more = "") =>
    `config { name: "${name}" base_path: "${base}" model_platform: "onnx" ${more} }`;

  test("changes the served models; one that is broken or refused changes nothing and is tried again", async () => {
    const root = folder();
    const base = join(root, "half");
    mkdirSync(base);
    publishVersion(base, 1, HALF_PLUS_TWO);
    const file = join(root, "models.config");
    const write = (...models: readonly string[]) => writeFileSync(file, `model_config_list { ${models.join("\n")} }`);
    write(model("half", base));
    const running = await startServer([`--model_config_file=${file}`, "--model_config_file_poll_wait_seconds=1"]);
    server = running;
    const complaints = () => logLines(running).filter(({ msg }) => msg === "models_not_reloaded");

    write(model("half", base), model("two", BASE));
    await eventually(async () => (await states(running.url, "two")) === "123:AVAILABLE");

    writeFileSync(file, "model_config_list { config { nam");
    await eventually(() => complaints().length === 1);
    expect(complaints()[0].error).toMatch(/1:\d+: /);
    expect((await predict(running.url, "two")).status).toBe(200);

    // The label names a version that comes later: refused now, taken over once it is there.
    const labelled = model("half", base, 'model_version_policy { all {} } version_labels { key: "next" value: 2 }');
    write(model("half", base, "model_version_policy { all {} }"));
    await eventually(async () => (await states(running.url, "two")) === "123:END");
    write(labelled);
    await eventually(() => complaints().length === 2);
    expect(complaints()[1].error).toContain("assign label to version 2 of model half");
    expect((await predict(running.url, "half/labels/next")).status).toBe(400);
    publishVersion(base, 2, HALF_PLUS_TWO);
    await eventually(async () => (await predict(running.url, "half/labels/next")).status === 200);
    expect(complaints()).toHaveLength(2);
  });

  test("is not held up by a model that never comes up", async () => {
    const root = folder();
    const file = join(root, "models.config");
    const write = (name: string, base: string) => writeFileSync(file, `model_config_list { ${model(name, base)} }`);
    write("half", BASE);
    const running = await startServer([`--model_config_file=${file}`, "--model_config_file_poll_wait_seconds=1"]);
    server = running;
    write("wrong", join(root, "not-there"));
    await eventually(async () => (await predict(running.url)).status === 404);
    write("right", BASE);
    await eventually(async () => (await predict(running.url, "right")).status === 200);
  });
});

describe("HandleReloadConfigRequest", () => {
  test("takes a model away and brings it back as often as it is asked to", async () => {
    server = await startServer(["--model_name=half", `--model_base_path=${BASE}`]);
    const client = new GrpcClient(server.port);
    for (let round = 0; round < 3; round++) {
      await reload(client, [["other", BASE]]);
      expect([(await predict(server.url)).status, (await predict(server.url, "other")).status]).toEqual([404, 200]);
      await reload(client, [["half", BASE]]);
      expect([(await predict(server.url)).status, (await predict(server.url, "other")).status]).toEqual([200, 404]);
    }
    client.close();
  });

  test("that waits for a model which never comes up is answered when that is taken away, and when the server stops", async () => {
    server = await startServer(["--model_name=half", `--model_base_path=${BASE}`]);
    const client = new GrpcClient(server.port);
    const missing = join(folder(), "not-there");
    const given = expect(reload(client, [["a", missing]])).rejects.toMatchObject({
      code: 10,
      message: expect.stringContaining("model a"),
    });
    await eventually(async () => (await predict(server!.url)).status === 404);
    await reload(client, [["half", BASE]]);
    await given;
    const ended = expect(reload(client, [["b", missing]])).rejects.toMatchObject({ code: 14 });
    await eventually(async () => (await predict(server!.url)).status === 404);
    const began = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);
    await ended;
    client.close();
  });
});
