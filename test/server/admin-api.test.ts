import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { floats, HALF_PLUS_TWO } from "../support/predict.ts";
import { reload } from "../support/reload.ts";
import { errorText, rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

/** Answers its input as it is; half_plus_two answers 2.5 to 1. */
const IDENTITY = fixture("identity", "jt_float", "1", "model.onnx");
const HALVED = "[2.5";
const SAME = "[1.0";

const folder = temporaryFolders();
let server: RunningServer | undefined;
const clients: GrpcClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop();
  server = undefined;
});

/** Puts a version in place whole. */
function place(root: string, path: string, file: string): void {
  const target = join(root, path);
  mkdirSync(join(target, ".."), { recursive: true });
  cpSync(file, join(`${target}.new`, "model.onnx"), { recursive: true });
  renameSync(`${target}.new`, target);
}

/** `two` has version 1, which halves, and version 2, which does not. */
function models(): string {
  const root = folder();
  place(root, "two/1", HALF_PLUS_TWO);
  place(root, "two/2", IDENTITY);
  return root;
}

async function start(...args: string[]): Promise<string> {
  server = await startServer(["--enable_admin_api", ...args]);
  return server.url;
}

async function send(method: string, url: string, body?: object | string, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
  });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get("etag"), text };
}

const predict = async (url: string, path: string) =>
  (await rest(`${url}/v1/models/${path}:predict`, '{"instances": [1.0]}')).text;
const configs = async (url: string) =>
  (JSON.parse((await send("GET", `${url}/v1/config`)).text) as { models: { name: string }[] }).models;
const names = async (url: string) => (await configs(url)).map(({ name }) => name);

describe("a model's config", () => {
  test("is created, read, replaced and removed while the server runs", async () => {
    const root = models();
    const url = await start(join(root, "two"));
    const other = `${url}/v1/config/models/${encodeURIComponent("a/b c")}`;
    const base_path = join(root, "two");

    const created = await send("PUT", `${other}?wait=true`, { base_path, version_policy: { specific: [1] } });
    expect([created.status, JSON.parse(created.text)]).toEqual([
      201,
      { name: "a/b c", base_path, version_policy: { specific: [1] } },
    ]);
    expect(await predict(url, "a%2Fb%20c")).toContain(HALVED);

    expect((await send("GET", other)).etag).toBe(created.etag);
    const replaced = await send("PUT", other, { base_path, version_policy: { specific: [2] } }, { "if-match": created.etag! });
    expect(replaced.status).toBe(200);
    await eventually(async () => (await predict(url, "a%2Fb%20c")).includes(SAME));
    const late = await send("PUT", other, { base_path }, { "if-match": created.etag! });
    expect([late.status, late.text]).toEqual([412, expect.stringContaining("has changed since it was read")]);
    const counted = await (await fetch(`${url}/metrics`)).text();
    expect(counted).toContain('modelport_config_reloads_total{status="FAILED_PRECONDITION"} 1');

    expect((await send("DELETE", other)).status).toBe(200);
    await eventually(async () => (await states(url, "a/b c")) === "1:END 2:END");
    expect((await send("DELETE", other)).status).toBe(404);
    expect(await names(url)).toEqual(["two"]);
    const changes = logLines(server!).filter(({ msg }) => msg === "model_config_changed");
    expect(changes).toMatchObject([{ model: "a/b c" }, { model: "a/b c" }, { model: "a/b c" }]);
  });

  test("that is wrong is refused with its place, and changes nothing", async () => {
    const root = models();
    const url = await start(join(root, "two"));
    const refused = await send("PUT", `${url}/v1/config/models/two`, '{\n  "base_path": "/models/two",\n  "lables": {}\n}');
    expect([refused.status, refused.text]).toEqual([400, expect.stringMatching(/"error": "3:3: .*did you mean labels/)]);
    const label = await send("PUT", `${url}/v1/config/models/two`, { base_path: join(root, "two"), labels: { stable: 9 } });
    expect([label.status, label.text]).toEqual([
      400,
      expect.stringContaining("Request to assign label to version 9 of model two"),
    ]);
    expect(await configs(url)).toEqual([{ name: "two", base_path: join(root, "two") }]);
  });

  test("that brings up nothing says why to whoever waits", async () => {
    const root = models();
    mkdirSync(join(root, "bad", "1"), { recursive: true });
    writeFileSync(join(root, "bad", "1", "model.onnx"), "not a model");
    const url = await start(join(root, "two"));
    const answer = await send("PUT", `${url}/v1/config/models/bad?wait=true`, { base_path: join(root, "bad") });
    expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("did not become available")]);
    expect(answer.text).not.toContain(root);
  });

  test("lies over what a look at a folder finds, until the set is given anew", async () => {
    const root = models();
    place(root, "one/1", HALF_PLUS_TWO);
    const url = await start(root);
    expect((await send("DELETE", `${url}/v1/config/models/one`)).status).toBe(200);
    const changed = { base_path: join(root, "two"), version_policy: { specific: [1] } };
    expect((await send("PUT", `${url}/v1/config/models/two?wait=true`, changed)).status).toBe(200);
    place(root, "three/1", HALF_PLUS_TWO);
    await eventually(async () => (await states(url, "three")) === "1:AVAILABLE");
    expect(await names(url)).toEqual(["three", "two"]);
    expect((await configs(url)).find(({ name }) => name === "two")).toMatchObject(changed);

    const client = new GrpcClient(server!.port);
    clients.push(client);
    await reload(client, [["two", join(root, "two")]]);
    expect(await configs(url)).toEqual([{ name: "two", base_path: join(root, "two"), platform: "onnx" }]);
  });

  test("is written to the config file when that is asked for, and stays after a reading", async () => {
    const root = models();
    const file = join(root, "models.yaml");
    writeFileSync(file, `# our models\nmodels:\n  - name: two # the first\n    base_path: ${join(root, "two")}\n`);
    const url = await start(`--model_config_file=${file}`, "--model_config_file_poll_wait_seconds=1");
    await eventually(async () => (await states(url, "two")) === "2:AVAILABLE");
    const config = { base_path: join(root, "two"), version_policy: { specific: [1] } };
    expect((await send("PUT", `${url}/v1/config/models/more?write=true&wait=true`, config)).status).toBe(201);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# the first");
    expect(text).toContain("more");
    const reloads = () => logLines(server!).filter(({ msg }) => msg === "config_reloaded").length;
    const before = reloads();
    server!.process.kill("SIGHUP");
    await eventually(() => reloads() > before);
    expect(await names(url)).toEqual(["two", "more"]);
    expect((await send("DELETE", `${url}/v1/config/models/two?write=true`)).status).toBe(200);
    expect(readFileSync(file, "utf8")).not.toContain("the first");
  });

  test("is not written over a file that somebody has changed and nobody has read", async () => {
    const root = models();
    const file = join(root, "models.config");
    const config = (name: string) => `config { name: "${name}" base_path: "${join(root, "two")}" model_platform: "onnx" }`;
    writeFileSync(file, `model_config_list { ${config("two")} }`);
    const url = await start(`--model_config_file=${file}`);
    const put = () => send("PUT", `${url}/v1/config/models/x?write=true`, { base_path: join(root, "two"), platform: "onnx" });
    writeFileSync(file, `model_config_list { ${config("two")} ${config("three")} } # mine`);
    const refused = await put();
    expect([refused.status, refused.text]).toEqual([
      500,
      expect.stringContaining("the change is in force, but could not be written to the config file: "),
    ]);
    expect(readFileSync(file, "utf8")).toContain("# mine");
    server!.process.kill("SIGHUP");
    await eventually(async () => (await names(url)).includes("three"));
    expect((await put()).status).toBe(201);
    expect(readFileSync(file, "utf8")).toContain(`${config("two")} ${config("three")}\n`);
    expect(readFileSync(file, "utf8")).toContain('name: "x"');
    expect(readFileSync(file, "utf8")).toContain("# mine");
  });

  test("cannot be written where there is no config file", async () => {
    const root = models();
    const url = await start(join(root, "two"));
    const answer = await send("PUT", `${url}/v1/config/models/x?write=true`, { base_path: join(root, "two") });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining("there is no config file to write to")]);
    expect(await names(url)).toEqual(["two"]);
  });
});

describe("labels", () => {
  test("are followed on every route, by REST and gRPC, and replaced as a whole", async () => {
    const root = models();
    const base_path = join(root, "two");
    const url = await start(base_path);
    const config = `${url}/v1/config/models/two`;
    await send("PUT", config, { base_path, version_policy: "all" });
    await eventually(async () => (await states(url, "two")) === "1:AVAILABLE 2:AVAILABLE");
    expect((await send("PUT", config, { base_path, version_policy: "all", labels: { stable: 1, canary: 2 } })).status).toBe(200);
    await eventually(async () => (await predict(url, "two/labels/stable")).includes(HALVED));
    expect(await predict(url, "two/labels/canary")).toContain(SAME);
    const metadata = JSON.parse((await rest(`${url}/v1/models/two/labels/stable/metadata`)).text) as { model_spec: object };
    expect(metadata.model_spec).toMatchObject({ name: "two", version: "1" });
    for (const verb of ["classify", "regress"]) {
      const answer = await rest(`${url}/v1/models/two/labels/none:${verb}`, '{"examples": [{"x": 1.0}]}');
      expect([answer.status, errorText(answer)]).toEqual([400, "Unrecognized servable version label: none"]);
    }
    const status = await rest(`${url}/v1/models/two/labels/none`);
    expect([status.status, (JSON.parse(status.text) as { model_version_status: unknown[] }).model_version_status.length]).toEqual(
      [200, 2],
    );
    expect(await grpcVersion("stable")).toEqual({ version: 1n });

    await send("PUT", config, { base_path, version_policy: "all", labels: { stable: 2 } });
    await eventually(async () => (await predict(url, "two/labels/stable")).includes(SAME));
    expect(await grpcVersion("canary")).toEqual({ code: 3, message: "Unrecognized servable version label: canary" });
    // A label outlives its version: it is found, and what it stands for is not.
    await send("PUT", config, { base_path, version_policy: { specific: [1] }, labels: { stable: 2 } });
    await eventually(async () => (await states(url, "two")) === "1:AVAILABLE 2:END");
    expect(await predict(url, "two/labels/stable")).toContain("Servable not found for request: Specific(two, 2)");
  });

  test("share the requests that name no version by weight", async () => {
    const root = models();
    const base_path = join(root, "two");
    const url = await start(base_path, "--threads=2");
    const config = `${url}/v1/config/models/two`;
    await send("PUT", config, { base_path, version_policy: "all" });
    await eventually(async () => (await states(url, "two")) === "1:AVAILABLE 2:AVAILABLE");
    const split = { base_path, version_policy: "all", labels: { a: 1, b: 2 }, traffic_split: { a: 3, b: 1 } };
    expect((await send("PUT", config, split)).status).toBe(200);
    const count = async () => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => predict(url, "two")));
      return answers.filter((text) => text.includes(HALVED)).length;
    };
    await eventually(async () => (await count()) > 0);
    // Three quarters of 200 within more than six standard deviations.
    const halved = await count();
    expect(halved).toBeGreaterThan(110);
    expect(halved).toBeLessThan(190);
    expect(await predict(url, "two/versions/2")).toContain(SAME);
    // The version that is gone is left out of the draw.
    await send("PUT", config, { ...split, version_policy: { specific: [2] }, labels: { b: 2 }, traffic_split: { b: 1 } });
    await eventually(async () => (await states(url, "two")) === "1:END 2:AVAILABLE");
    expect(await count()).toBe(0);
  });

  async function grpcVersion(label: string): Promise<object> {
    clients[0] ??= new GrpcClient(server!.port);
    const request = create(PredictRequestSchema, {
      modelSpec: { name: "two", versionChoice: { case: "versionLabel", value: label } },
      inputs: { x: floats(1) },
    });
    const { messages, status } = await clients[0].raw(
      "/tensorflow.serving.PredictionService/Predict",
      toBinary(PredictRequestSchema, request),
    );
    if (status.code !== 0) return status;
    const { modelSpec } = fromBinary(PredictResponseSchema, messages[0]);
    return { version: modelSpec?.versionChoice.case === "version" ? modelSpec.versionChoice.value.value : undefined };
  }
});

test("a version of the same number has the content of a new base path, with no request lost in between", async () => {
  const root = folder();
  place(root, "old/1", HALF_PLUS_TWO);
  place(root, "new/1", IDENTITY);
  const url = await start("--model_name=m", `--model_base_path=${join(root, "old")}`, "--threads=2");
  const wrong: string[] = [];
  let asking = true;
  const load = Array.from({ length: 4 }, async () => {
    while (asking) {
      const text = await predict(url, "m");
      if (!text.includes(HALVED) && !text.includes(SAME)) wrong.push(text);
    }
  });
  for (const [path, answer] of [
    ["new", SAME],
    ["old", HALVED],
    ["new", SAME],
  ] as const) {
    expect((await send("PUT", `${url}/v1/config/models/m`, { base_path: join(root, path) })).status).toBe(200);
    await eventually(async () => (await predict(url, "m")).includes(answer));
    expect(await states(url, "m")).toBe("1:AVAILABLE");
  }
  asking = false;
  await Promise.all(load);
  expect(wrong).toEqual([]);
});

describe("without its flag", () => {
  const WAYS: readonly (readonly [string, string])[] = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"].flatMap((method) =>
    ["/v1/config", "/v1/config/models/m", "/V1/Config/models/m", "/v1/config/models/m?write=true", "/v1/config/x"].map(
      (path) => [method, path] as const,
    ),
  );

  test("no way by HTTP reads or changes a config, on either port", async () => {
    const root = models();
    server = await startServer(["--model_name=m", `--model_base_path=${join(root, "two")}`]);
    await eventually(async () => (await states(server!.url, "m")) === "2:AVAILABLE");
    for (const url of [server.url, `http://127.0.0.1:${server.port}`]) {
      for (const [method, path] of WAYS) {
        const body = method === "GET" || method === "HEAD" ? undefined : { base_path: "/" };
        const { status, text } = await send(method, url + path, body);
        expect([method, path, status]).toEqual([method, path, 403]);
        if (method !== "HEAD") expect(text).toContain("--enable_admin_api");
        expect(text).not.toContain(root);
      }
      // The routes of models take no verb that could change one.
      for (const path of ["/v1/models/m", "/v1/models/m/versions/2", "/v1/models/m/labels/a", "/v1/models/m/metadata"]) {
        for (const method of ["PUT", "DELETE", "PATCH", "POST"]) {
          expect([path, method, (await send(method, url + path, {})).status]).toEqual([path, method, 400]);
        }
      }
    }
    expect(await states(server.url, "m")).toBe("2:AVAILABLE");
    expect(logLines(server).filter(({ msg }) => /config/.test(msg))).toEqual([]);
  });

  test("no answer of any route tells where a model is", async () => {
    const root = models();
    server = await startServer([join(root, "two")]);
    const { url } = server;
    await eventually(async () => (await states(url, "two")) === "2:AVAILABLE");
    const paths = ["", "/metadata", "/versions/1", "/versions/9"].map((path) => `/v1/models/two${path}`);
    for (const path of [...paths, "/metrics", "/monitoring/prometheus/metrics", "/readyz", "/livez", "/v1/models", "/"]) {
      expect((await rest(url + path)).text).not.toContain(root);
    }
  });
});

describe("a start", () => {
  test("with a model that must have a version and has none ends", async () => {
    const root = folder();
    const { code, stderr } = await runCommand([
      "--servable_versions_always_present",
      "--model_name=m",
      `--model_base_path=${root}`,
      "--port=0",
      "--rest_api_port=0",
      `--grpc_socket_path=${join(root, "socket")}`,
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Unable to find a numerical version path for servable m")]);
    expect(existsSync(join(root, "socket"))).toBe(false);
  });

  test("finds relative base paths of a text config below the root folder, and those of a reload", async () => {
    const root = models();
    const file = join(root, "models.config");
    writeFileSync(file, 'model_config_list { config { name: "m" base_path: "two" model_platform: "onnx" } }');
    server = await startServer([`--model_config_file=${file}`, `--model_config_list_root_dir=${root}`]);
    await eventually(async () => (await states(server!.url, "m")) === "2:AVAILABLE");
    const client = new GrpcClient(server.port);
    clients.push(client);
    await reload(client, [["n", "two"]]);
    expect(await states(server.url, "n")).toBe("2:AVAILABLE");
  });
});
