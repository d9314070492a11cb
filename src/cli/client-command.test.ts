import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { type ClientRequest, clientCommand, languageTable } from "./client-command.ts";

const DIGITS = new URL("../../examples/digits/model", import.meta.url).pathname;
const newFolder = temporaryFolders();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function run(request: Partial<ClientRequest>, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  let out = "";
  const print = (text: string) => {
    out += text;
  };
  expect(await clientCommand({ name: undefined, language: "bash", protocol: "rest", ...request }, print, environment)).toBe(0);
  return out;
}

/** A server that answers everything with a status and a text, and its requests: target and credentials. */
async function serving(status: number, text: string): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? ""}`.trim());
    response.writeHead(status).end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, asked };
}

describe("a name asks a server", () => {
  test("by its route, with what was chosen", async () => {
    const { url, asked } = await serving(200, "program\n");
    expect(await run({ name: "a b", language: "python", protocol: "grpc", url: `${url}/prefix/`, signatureName: "s" })).toBe(
      "program\n",
    );
    expect(asked).toEqual(["/prefix/v1/models/a%20b/gen_client?language=python&protocol=grpc&signature_name=s"]);
  });

  test.each<[Readonly<Record<string, string>>, string]>([
    [{ MODELPORT_USER: "ü", MODELPORT_PASSWORD: "p" }, `Basic ${Buffer.from("ü:p").toString("base64")}`],
    [{ MODELPORT_USER: "u", MODELPORT_TOKEN: "key" }, "Bearer key"],
  ])("with the credentials of the environment (%#)", async (environment, header) => {
    const { url, asked } = await serving(200, "");
    await run({ name: "m", url }, environment);
    expect(asked).toEqual([`/v1/models/m/gen_client?language=bash&protocol=rest ${header}`]);
  });

  test.each([
    [404, '{"error": "no model m"}', "invalid-argument", "answers 404: no model m"],
    [503, "busy", "unavailable", "answers 503: busy"],
  ])("and says what it answers but 200: %i", async (status, text, code, message) => {
    const { url } = await serving(status, text);
    await expect(run({ name: "m", url })).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  test("and says so when there is none", async () => {
    const { url } = await serving(200, "");
    await new Promise((resolve) => servers.pop()!.close(resolve));
    await expect(run({ name: "m", url })).rejects.toMatchObject({
      code: "unavailable",
      message: `no server answers at ${url}, name one with --url`,
    });
  });
});

describe("a path is loaded", () => {
  test("and asked with its own example", async () => {
    const sample = JSON.parse(readFileSync(join(DIGITS, "sample_request.json"), "utf8")) as object;
    expect(JSON.parse(await run({ name: DIGITS, language: "json" }))).toEqual(sample);
  });

  test("for the server that is named, with credentials where the environment has some", async () => {
    const text = await run({ name: DIGITS, language: "python", url: "https://models:9/x" }, { MODELPORT_TOKEN: "secret" });
    expect(text).toContain('"https://models:9/x"');
    expect(text).toContain("/v1/models/model:predict");
    expect(text).toContain("MODELPORT_TOKEN");
    expect(text).not.toContain("secret");
  });

  test("unless the signature is none of its own", async () => {
    await expect(run({ name: DIGITS, signatureName: "s" })).rejects.toMatchObject({
      code: "invalid-argument",
      message: "model has no signature s that can be called (there are: serving_default)",
    });
  });

  test("unless there is no model", async () => {
    await expect(run({ name: `${newFolder()}/` })).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

test("the program is written to a file that is named", async () => {
  const file = join(newFolder(), "client.sh");
  expect(await run({ name: DIGITS, output: file })).toBe("");
  expect(readFileSync(file, "utf8")).toMatch(/^#!\/usr\/bin\/env bash\n/);
  writeFileSync(file, "");
  await expect(run({ name: DIGITS, output: join(file, "below") })).rejects.toMatchObject({
    code: "failed-precondition",
    message: "the file of --output cannot be written (ENOTDIR)",
  });
});

test.each<[Partial<ClientRequest>, string]>([
  [{}, "client takes the name of a served model, or the path of one, or --list"],
  [{ name: "m", protocol: "soap" }, '--protocol must be rest or grpc, got "soap"'],
  [{ name: "m", url: "127.0.0.1:8501" }, '--url must be like http://127.0.0.1:8501, got "127.0.0.1:8501"'],
])("a request that cannot be is refused (%#)", async (request, message) => {
  await expect(run(request)).rejects.toMatchObject({ code: "invalid-argument", message });
});

test("the table has a line for each language", async () => {
  expect(await run({ list: true })).toBe(`${languageTable()}\n`);
  expect(languageTable()).toMatch(/^ {2}LANGUAGE +PROTOCOLS +ALSO NAMED\n {2}bash +rest, grpc +sh, shell, curl\n/);
});
