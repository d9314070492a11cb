import { cpSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientAuthentication, ClientProtocol, ClientSource } from "../../src/clients/client-target.ts";
import { CLIENT_LANGUAGES, generateClient } from "../../src/clients/generate-client.ts";
import type { DType } from "../../src/tensor/dtype.ts";
import {
  GRPC_TOOLCHAINS,
  missing,
  type Outcome,
  REST_TOOLCHAINS,
  runClient,
  type Toolchain,
} from "../support/client-toolchains.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { HOSTILE } from "../support/hostile-texts.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const CREDENTIALS = { MODELPORT_USER: "someone@there", MODELPORT_PASSWORD: 'p"a\\s s$w`o:rd' };
const AUTHORITY = fixture("tls", "authority.pem");

/** Longest that a compiler and its program may take together, in milliseconds. */
const TIMEOUT_MS = 200_000;

/** Numbers, texts that a language might take for code, a scalar, and lists so long that a program makes them. */
const EVERYTHING = {
  inputs: {
    int_tensor: [1, -2, 2_147_483_647],
    str_tensor: HOSTILE,
    float_tensor: [Array.from({ length: 40 }, () => Array<number>(80).fill(0.5))],
    dbl_tensor: 0.1,
  },
};

/** 64-bit integers beyond what a float64 holds: JSON of Node would round them. */
const BIG = '{"inputs": {"a": [9007199254740993, -1], "b": [0, 9223372036854775807]}}';

/** As float16, too much for the second column of the answer. */
const OVERFLOWING = '{"inputs": [[65504, 65504, 65504], [-65504, -65504, -65504]]}';

const INPUTS: readonly (readonly [string, DType])[] = [
  ["int_tensor", "int32"],
  ["str_tensor", "string"],
  ["float_tensor", "float32"],
  ["dbl_tensor", "float64"],
];

const folder = temporaryFolder();
let open: RunningServer;
let locked: RunningServer;
let secure: RunningServer;
/** What the server itself answers to {@link EVERYTHING}. */
let answer: Record<string, unknown>;

beforeAll(async () => {
  const models = join(folder.path, "models");
  mkdirSync(models);
  cpSync(fixture("identity", "jt_multi4"), join(models, "jt_multi4"), { recursive: true });
  for (const name of ["int64_big", "float16_matmul"]) {
    cpSync(fixture("onnx", name, "model.onnx"), join(models, name, "1", "model.onnx"));
  }
  cpSync(new URL("../../examples/digits/model", import.meta.url).pathname, join(models, "digits"), { recursive: true });
  const { MODELPORT_USER: user, MODELPORT_PASSWORD: password } = CREDENTIALS;
  const tls = { ca: readFileSync(AUTHORITY, "utf8") };
  const files = [`--tls_certificate_file=${fixture("tls", "server.pem")}`, `--tls_key_file=${fixture("tls", "server-key.pem")}`];
  [open, locked, secure] = await Promise.all([
    startServer([models]),
    startServer([models, "--enable_auth", `--auth_username=${user}`, `--auth_password=${password}`]),
    startServer([models, ...files], { tls }),
  ]);
  const response = await fetch(`${open.url}/v1/models/jt_multi4:predict`, { method: "POST", body: JSON.stringify(EVERYTHING) });
  answer = ((await response.json()) as { outputs: Record<string, unknown> }).outputs;
  expect(answer).toEqual(EVERYTHING.inputs);
}, 60_000);

afterAll(async () => {
  await Promise.all([open, locked, secure].map((server) => server?.stop()));
  folder.remove();
});

interface Wanted {
  readonly server?: RunningServer;
  readonly protocol?: ClientProtocol;
  readonly authentication?: ClientAuthentication;
  readonly model?: string;
  readonly example?: string;
}

function client(language: string, wanted: Wanted): ClientSource {
  const { server = open, protocol = "rest", authentication = "none", model = "jt_multi4" } = wanted;
  const { example = JSON.stringify(EVERYTHING) } = wanted;
  const tls = server === secure;
  const inputs = INPUTS.map(([alias, dtype]) => ({ alias, name: alias, dtype, shape: undefined }));
  return generateClient(language, protocol, {
    url: tls ? `https://localhost:${server.restPort}` : server.url,
    grpcAddress: `${tls ? "localhost" : "127.0.0.1"}:${server.port}`,
    grpcTls: tls,
    authentication,
    model,
    signatureName: "serving_default",
    signature: { inputs, outputs: [], methodName: "" },
    example,
  });
}

function run(toolchain: Toolchain, wanted: Wanted, environment: Readonly<Record<string, string>> = {}): Outcome {
  return runClient(toolchain, client(toolchain.language, wanted), mkdtempSync(join(folder.path, "client-")), environment);
}

/** What a program printed: the outputs, whether or not what the server wraps them in was printed too. */
function printed({ status, stdout, stderr }: Outcome): unknown {
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const value = JSON.parse(stdout) as { outputs?: unknown; predictions?: unknown };
  return value.outputs ?? value.predictions ?? value;
}

/** Why each is not run here. */
const reasons = {
  rest: new Map(REST_TOOLCHAINS.map((toolchain) => [toolchain, missing(toolchain)])),
  grpc: new Map(GRPC_TOOLCHAINS.map((toolchain) => [toolchain, missing(toolchain)])),
};

test("says which clients are run here", () => {
  for (const [protocol, toolchains] of Object.entries(reasons)) {
    const words = [...toolchains].map(([{ language }, reason]) => `${language}${reason === undefined ? "" : ` not (${reason})`}`);
    process.stdout.write(`clients that are run over ${protocol}: ${words.join(", ")}\n`);
  }
  const covered = (protocol: ClientProtocol) =>
    CLIENT_LANGUAGES.filter(({ name, protocols }) => name !== "json" && protocols.includes(protocol)).map(({ name }) => name);
  expect(REST_TOOLCHAINS.map(({ language }) => language)).toEqual(covered("rest"));
  expect(GRPC_TOOLCHAINS.map(({ language }) => language)).toEqual(covered("grpc"));
});

test("the server's own route gives a program with the request that came with the model", async () => {
  const credentials = `${CREDENTIALS.MODELPORT_USER}:${CREDENTIALS.MODELPORT_PASSWORD}`;
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  const response = await fetch(`${locked.url}/v1/models/digits/gen_client?language=python`, { headers });
  const text = await response.text();
  expect(text).toContain("0, 0, 2, 13, 16, 9, 0, 0");
  expect(text).toContain(`"${locked.url}"`);
  expect(text).toContain("MODELPORT_USER");
});

describe.each([...reasons.rest])("a client of REST (%#)", (toolchain, reason) => {
  test.skipIf(reason)(
    `${toolchain.language} gets what the server answers, whatever the values look like`,
    () => expect(printed(run(toolchain, {}))).toEqual(answer),
    TIMEOUT_MS,
  );

  test.skipIf(reason)(
    `${toolchain.language} says who it is`,
    () => {
      const wanted = { server: locked, authentication: "basic" } as const;
      expect(printed(run(toolchain, wanted, CREDENTIALS))).toEqual(answer);
    },
    TIMEOUT_MS,
  );
});

/** Programs that start fast enough to be run for the rest as well. */
const QUICK = [...reasons.rest].flatMap(([toolchain, reason]) => {
  const quick = ["bash", "python", "javascript", "go", "ruby", "php", "perl", "r", "lua", "erlang"];
  return reason === undefined && quick.includes(toolchain.language) ? [toolchain] : [];
});

test.each(QUICK)(
  "$language: the digits of 64-bit integers stay",
  (toolchain) => {
    const { status, stdout, stderr } = run(toolchain, { model: "int64_big", example: BIG });
    expect([status, stderr]).toEqual([0, ""]);
    // JSON.parse of JavaScript rounds the answer. Were the question rounded too, the first would be 9007199254740992 + 0.
    if (toolchain.language !== "javascript") expect(stdout).toMatch(/9007199254740993,\s*9223372036854775806/);
  },
  TIMEOUT_MS,
);

test.each(QUICK)(
  "$language: an answer beyond what JSON has is printed as well",
  (toolchain) => {
    const { status, stdout, stderr } = run(toolchain, { model: "float16_matmul", example: OVERFLOWING });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/16208\.0,\s*Infinity\s*\],\s*\[\s*-16208\.0,\s*-Infinity\s*\]/);
  },
  TIMEOUT_MS,
);

test.each(QUICK)(
  "$language: rows are answered with predictions",
  (toolchain) => {
    const example = readFileSync(new URL("../../examples/digits/model/sample_request.json", import.meta.url), "utf8");
    const [first] = printed(run(toolchain, { model: "digits", example })) as { digit: number }[];
    expect(first.digit).toBe(7);
  },
  TIMEOUT_MS,
);

test.each(QUICK)(
  "$language: an error ends the program with the server's words",
  (toolchain) => {
    const { status, stdout, stderr } = run(toolchain, { model: "no such model */ \" ' `" });
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("Servable not found for request");
  },
  TIMEOUT_MS,
);

test.each(QUICK)(
  "$language: without credentials there is no answer",
  (toolchain) => {
    const { status, stdout, stderr } = run(toolchain, { server: locked, authentication: "basic" });
    expect(status).not.toBe(0);
    expect(stdout + stderr).not.toContain("int_tensor");
    expect(stdout + stderr).toMatch(/Authorization holds neither|credentials/);
  },
  TIMEOUT_MS,
);

/** Programs that can be told of an authority: in MODELPORT_CA, or Node's own way. */
const TLS = [...reasons.rest].flatMap(([toolchain, reason]) => {
  const authority = ["bash", "python", "javascript", "go", "java", "cpp", "rust", "ruby", "php", "perl", "r", "lua", "erlang"];
  return reason === undefined && authority.includes(toolchain.language) ? [toolchain] : [];
});

test.each(TLS)(
  "$language: over TLS by an authority of the server's own",
  (toolchain) => {
    const environment = { MODELPORT_CA: AUTHORITY, NODE_EXTRA_CA_CERTS: AUTHORITY };
    expect(printed(run(toolchain, { server: secure }, environment))).toEqual(answer);
  },
  TIMEOUT_MS,
);

test.each(TLS.filter((toolchain) => QUICK.includes(toolchain)))(
  "$language: not over TLS by an authority that it does not know",
  (toolchain) => {
    const { status, stdout } = run(toolchain, { server: secure });
    expect(status).not.toBe(0);
    expect(stdout).not.toContain("int_tensor");
  },
  TIMEOUT_MS,
);

describe.each([...reasons.grpc])("a client of gRPC (%#)", (toolchain, reason) => {
  test.skipIf(reason)(
    `${toolchain.language} gets what the server answers, whatever the values look like`,
    () => expect(tensors(printed(run(toolchain, { protocol: "grpc" })))).toEqual(flattened()),
    TIMEOUT_MS,
  );

  test.skipIf(reason)(
    `${toolchain.language} says who it is`,
    () => {
      const wanted = { server: locked, protocol: "grpc", authentication: "basic" } as const;
      expect(tensors(printed(run(toolchain, wanted, CREDENTIALS)))).toEqual(flattened());
    },
    TIMEOUT_MS,
  );

  test.skipIf(reason)(
    `${toolchain.language} trusts the authority it is told of`,
    () => {
      const wanted = { server: secure, protocol: "grpc" } as const;
      expect(tensors(printed(run(toolchain, wanted, { MODELPORT_CA: AUTHORITY })))).toEqual(flattened());
    },
    TIMEOUT_MS,
  );
});

type PrintedTensor = Readonly<Record<string, unknown>>;

/** The elements of printed TensorProtos by alias, as text. Outputs are a map, or the list of entries that a map is on the wire. */
function tensors(outputs: unknown): Record<string, readonly string[]> {
  const entries = Array.isArray(outputs)
    ? (outputs as { key: string; value: PrintedTensor }[]).map(({ key, value }) => [key, value] as const)
    : Object.entries(outputs as Record<string, PrintedTensor>);
  return Object.fromEntries(
    entries.map(([alias, tensor]) => {
      const [name, values] = Object.entries(tensor).find(([field]) => /_?val$/i.test(field)) ?? ["", []];
      const texts = (values as unknown[]).map((value) =>
        name.startsWith("string") ? Buffer.from(String(value), "base64").toString("utf8") : String(value),
      );
      return [alias, texts];
    }),
  );
}

function flattened(): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(answer).map(([alias, value]) => [alias, [value].flat(9).map(String)]));
}
