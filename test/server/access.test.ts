import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerReflectionRequestSchema, ServerReflectionResponseSchema } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { methodNeeds, type Needed } from "../../src/security/access/access-table.ts";
import { formatKeyDigest, keyDigest } from "../../src/security/access/key-digest.ts";
import { formatPasswordHash, hashPassword } from "../../src/security/access/password-hash.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

const MODEL = [`--model_base_path=${fixture("onnx", "bool_where", "model.onnx")}`, "--model_name=m"];
const GRANTS = ["inference", "admin", "metrics"] as const;
const HOLDERS = [...GRANTS, "none"] as const;
const bearer = (name: string) => `Bearer mp_${name}`;
const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
const ADA = basic("ada", "s3cret-of-ada");

/** Every route of HTTP with a method that it takes, and what it needs. */
const ROUTES: readonly (readonly [method: string, target: string, needed: Needed])[] = [
  ["GET", "/livez", "public"],
  ["HEAD", "/readyz", "public"],
  ["GET", "/health", "public"],
  ["POST", "/livez", "any"],
  ["POST", "/v1/models/m:predict", "inference"],
  ["POST", "/V1/models/m:predict", "inference"],
  ["POST", "/v1/models/m/versions/1:classify", "inference"],
  ["POST", "/v1/models/m/labels/stable:regress", "inference"],
  ["POST", "/", "inference"],
  ["GET", "/v1/models/m", "any"],
  ["GET", "/v1/models/m/metadata", "any"],
  ["GET", "/v1/models", "any"],
  ["GET", "/v1/models/m/detail", "any"],
  ["GET", "/v1/models/m/gen_json", "any"],
  ["GET", "/v1/models/m/gen_client?language=bash", "any"],
  ["POST", "/v1/models/m/gen_client?language=bash", "any"],
  ["OPTIONS", "/v1/models/m:predict", "any"],
  ["GET", "/v1/config", "admin"],
  ["GET", "/V1/CONFIG/models/m", "admin"],
  ["PUT", "/v1/config/models/m", "admin"],
  ["DELETE", "/v1/config/models/none", "admin"],
  ["GET", "/metrics", "metrics"],
  ["GET", "/monitoring/prometheus/metrics", "metrics"],
  ["GET", "/openapi.json", "any"],
  ["GET", "/", "any"],
  ["GET", "/dashboard", "any"],
  ["GET", "/dashboard/", "any"],
  ["GET", "/dashboard/api/session", "any"],
  ["GET", "/dashboard/api/state", "any"],
  ["GET", "/dashboard/api/figures", "metrics"],
  ["GET", "/json_inference", "any"],
  ["GET", "/nothing", "any"],
  ["GET", "//v1/config", "any"],
  ["GET", "/%76%31/config", "any"],
];

const folder = temporaryFolder();
const file = join(folder.path, "auth.yaml");
let server: RunningServer;
let methods: readonly string[];
const sessions = new Map<number, ClientHttp2Session>();

function keyEntries(names: readonly string[]): string {
  return names
    .map((name) => {
      const grants = GRANTS.includes(name as "admin") ? name : "";
      return `  - {name: ${name}, key: "${formatKeyDigest(keyDigest(`mp_${name}`))}", grants: [${grants}]}\n`;
    })
    .join("");
}

async function writeFile(keys: readonly string[]): Promise<void> {
  ada ??= formatPasswordHash(await hashPassword("s3cret-of-ada", { parallelism: 1 }));
  writeFileSync(file, `users:\n  - {name: ada, password: "${ada}", grants: [${GRANTS.join(", ")}]}\nkeys:\n${keyEntries(keys)}`);
  chmodSync(file, 0o600);
}
let ada: string | undefined;

beforeAll(async () => {
  await writeFile(HOLDERS);
  server = await startServer([
    ...MODEL,
    `--auth_file=${file}`,
    "--threads=1",
    "--enable_admin_api",
    "--enable_session_service",
    "--log_level=trace",
  ]);
  for (const port of [server.port, server.restPort])
    sessions.set(
      port,
      connect(`http://127.0.0.1:${port}`).on("error", () => {}),
    );
  methods = await methodsOf(server.port);
});

afterAll(async () => {
  for (const session of sessions.values()) session.destroy();
  await server?.stop();
  folder.remove();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

type Fields = Readonly<Record<string, string>>;

function ask1(port: number, method: string, path: string, headers: Fields): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    asked.on("error", reject).end(method === "POST" || method === "PUT" ? "{}" : undefined);
  });
}

function ask2(port: number, method: string, path: string, headers: Fields): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = sessions.get(port)!.request({ ":method": method, ":path": path, ...headers });
    stream.on("error", reject).on("response", (answer) => {
      stream.resume().on("end", () => resolve({ status: Number(answer[":status"]), headers: answer as Answer["headers"] }));
    });
    stream.end(method === "POST" || method === "PUT" ? "{}" : undefined);
  });
}

/** Every method that the server says it has, by reflection. */
async function methodsOf(port: number): Promise<readonly string[]> {
  const client = new GrpcClient(port);
  const reflect = async (messageRequest: Parameters<typeof create<typeof ServerReflectionRequestSchema>>[1]) => {
    const { messages, status } = await client.raw(
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, messageRequest)),
      { authorization: bearer("none") },
    );
    expect(status).toEqual({ code: 0, message: "" });
    return fromBinary(ServerReflectionResponseSchema, messages[0]!).messageResponse;
  };
  try {
    const listed = await reflect({ messageRequest: { case: "listServices", value: "" } });
    if (listed.case !== "listServicesResponse") throw new Error("no list of services");
    const found: string[] = [];
    for (const { name } of listed.value.service) {
      const answer = await reflect({ messageRequest: { case: "fileContainingSymbol", value: name } });
      if (answer.case !== "fileDescriptorResponse") throw new Error(`no file of ${name}`);
      for (const bytes of answer.value.fileDescriptorProto) {
        const { package: prefix, service } = fromBinary(FileDescriptorProtoSchema, bytes);
        for (const each of service.filter((one) => `${prefix}.${one.name}` === name)) {
          found.push(...each.method.map((method) => `/${name}/${method.name}`));
        }
      }
    }
    return found;
  } finally {
    client.close();
  }
}

const ports = () => [server.port, server.restPort];
const REFUSED_CREDENTIALS: readonly Fields[] = [
  {},
  { authorization: "Bearer mp_nobody" },
  { authorization: "mp_admin" },
  { authorization: "Basic mp_admin" },
];

describe.each([
  ["HTTP/1.1", ask1],
  ["HTTP/2", ask2],
] as const)("over %s", (_version, ask) => {
  test.each(ROUTES)("%s %s is refused to who is not known, unless it needs nothing: %s", async (method, target, needed) => {
    for (const port of ports()) {
      for (const fields of REFUSED_CREDENTIALS) {
        const { status, headers } = await ask(port, method, target, fields);
        if (needed === "public") expect(status).toBe(200);
        // Ten wrong keys in a row are one too many.
        else expect(fields.authorization === "Bearer mp_nobody" ? [401, 429] : [401]).toContain(status);
        if (status === 401) expect(String(headers["www-authenticate"])).toContain('Basic realm="modelport", charset="UTF-8"');
      }
    }
  });

  test.each(ROUTES)("%s %s is for who has the grant: %s", async (method, target, needed) => {
    for (const port of ports()) {
      for (const holder of HOLDERS) {
        const { status } = await ask(port, method, target, { authorization: bearer(holder) });
        const let_in = needed === "public" || needed === "any" || needed === holder;
        if (let_in) expect([401, 403, 429]).not.toContain(status);
        else expect(status).toBe(403);
      }
      const { status } = await ask(port, method, target, { authorization: ADA });
      expect([401, 403, 429]).not.toContain(status);
    }
  });
});

test("a target in absolute form, or with doubled fields, is no way around", async () => {
  const lines = async (head: string) =>
    await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connectSocket(server.restPort, "127.0.0.1", () => socket.write(`${head}\r\nconnection: close\r\n\r\n`));
      socket
        .on("data", (bytes) => (text += bytes.toString()))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
  expect(await lines("GET http://a.example/v1/config HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 401 /);
  expect(await lines("GET HTTP://livez/v1/config?/livez HTTP/1.1\r\nhost: a")).toMatch(/^HTTP\/1.1 401 /);
  const twice = `authorization: ${bearer("none")}\r\nauthorization: ${bearer("admin")}`;
  expect(await lines(`GET /v1/config HTTP/1.1\r\nhost: a\r\n${twice}`)).toMatch(/^HTTP\/1.1 401 /);
});

describe("gRPC", () => {
  test("every method is answered to who has its grant alone, on both ports", async () => {
    expect(methods.length).toBeGreaterThanOrEqual(13);
    for (const port of ports()) {
      const client = new GrpcClient(port);
      for (const path of methods) {
        const needed = methodNeeds(path);
        const codeOf = async (fields: Fields) =>
          (await client.raw(path, new Uint8Array(), { "grpc-timeout": "200m", ...fields })).status.code;
        for (const fields of REFUSED_CREDENTIALS) {
          const code = await codeOf(fields);
          if (needed === "public") expect([path, [16, 7, 8]]).not.toContain(code);
          else expect(fields.authorization === "Bearer mp_nobody" ? [16, 8] : [16]).toContain(code);
        }
        for (const holder of HOLDERS) {
          const code = await codeOf({ authorization: bearer(holder) });
          if (needed === "public" || needed === "any" || needed === holder) expect([16, 7]).not.toContain(code);
          else expect([path, holder, code]).toEqual([path, holder, 7]);
        }
        expect([16, 7]).not.toContain(await codeOf({ authorization: ADA }));
      }
      client.close();
    }
  });

  test("a method that is not there is not told of", async () => {
    const client = new GrpcClient(server.port);
    const codeOf = async (fields: Fields) => (await client.raw("/some.Service/Method", new Uint8Array(), fields)).status.code;
    expect([
      await codeOf({}),
      await codeOf({ authorization: bearer("inference") }),
      await codeOf({ authorization: ADA }),
    ]).toEqual([16, 7, 12]);
    client.close();
  });
});

test("a large body without credentials is answered by its head, and not taken", async () => {
  const socket = connectSocket(server.restPort, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString())).on("error", () => {});
  socket.write("POST /v1/models/m:predict HTTP/1.1\r\nhost: a\r\ncontent-length: 60000000\r\n\r\n");
  await eventually(() => text.includes("\r\n\r\n"));
  expect(text).toMatch(/^HTTP\/1.1 401 /);
  socket.destroy();
});

test("the file is read again while the server runs, and one that cannot be used changes nothing", async () => {
  const statusOf = async (name: string) =>
    (await ask1(server.restPort, "GET", "/v1/models/m", { authorization: bearer(name) })).status;
  expect([await statusOf("none"), await statusOf("fresh")].map((status) => status === 200)).toEqual([true, false]);
  await writeFile([...GRANTS, "fresh"]);
  await eventually(async () => (await statusOf("fresh")) === 200);
  expect(await statusOf("none")).not.toBe(200);
  writeFileSync(file, "keys: [{name: fresh, key: hunter2}]");
  await eventually(() => logLines(server).some(({ msg }) => msg === "access_not_reloaded"));
  expect(await statusOf("fresh")).toBe(200);
});

test("refusals are counted, and no secret is in the log", async () => {
  const page = await fetch(`${server.url}/metrics`, { headers: { authorization: ADA } });
  const text = await page.text();
  for (const reason of ["missing", "malformed", "wrong", "limited", "not_granted"]) {
    expect(text).toMatch(new RegExp(`modelport_access_refusals_total\\{reason="${reason}"\\} [1-9]`));
  }
  const config = await fetch(`${server.url}/v1/config`, { headers: { authorization: ADA } });
  for (const shown of [server.stderr(), server.stdout(), text, await config.text()]) {
    expect(shown).not.toMatch(/s3cret|\bmp_|hunter2|scrypt:\d|sha256:[0-9a-f]|[Bb]earer mp|Basic [A-Za-z0-9]{8}/);
    expect(shown).not.toContain(ADA.slice("Basic ".length));
  }
  expect(logLines(server).some(({ msg }) => msg === "access_refused")).toBe(true);
});

describe("the flags of Simple TensorFlow Serving", () => {
  test("ask for the user's password, which nobody else on the machine sees", async () => {
    const flagged = await startServer([...MODEL, "--enable_auth=true", "--auth_password=s3cret-of-admin", "--threads=1"]);
    try {
      const statusOf = async (authorization: string) => (await ask1(flagged.port, "GET", "/metrics", { authorization })).status;
      expect([await statusOf(basic("admin", "s3cret-of-admin")), await statusOf(basic("admin", "admin"))]).toEqual([200, 401]);
      if (process.platform === "linux") {
        expect(readFileSync(`/proc/${flagged.process.pid}/cmdline`, "utf8")).not.toContain("s3cret");
      }
      expect(flagged.stderr() + flagged.stdout()).not.toContain("s3cret");
    } finally {
      await flagged.stop();
    }
  });

  test("--enable_auth=false means false", async () => {
    const open = await startServer([...MODEL, "--enable_auth=false", "--threads=1"]);
    try {
      expect((await ask1(open.restPort, "GET", "/v1/models/m", {})).status).toBe(200);
      expect((await ask1(open.restPort, "GET", "/v1/config", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    } finally {
      await open.stop();
    }
  });

  test("without a password it does not start", async () => {
    const { code, stderr } = await runCommand([...MODEL, "--enable_auth"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--enable_auth needs a password")]);
  });
});

test("pages of listed origins are told that they may call", async () => {
  const open = await startServer([...MODEL, "--cors_allowed_origins=https://a.example", "--threads=1"]);
  try {
    const from = (origin: string) => ask1(open.restPort, "OPTIONS", "/v1/models/m:predict", { origin });
    const { status, headers } = await from("https://a.example");
    expect([status, headers["access-control-allow-origin"], headers["access-control-allow-headers"], headers.vary]).toEqual([
      200,
      "https://a.example",
      "Authorization, Content-Type",
      "Origin",
    ]);
    expect((await from("https://b.example")).headers["access-control-allow-origin"]).toBeUndefined();
  } finally {
    await open.stop();
  }
});
