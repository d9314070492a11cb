import { describe, expect, test } from "vitest";
import { CLIENT_LANGUAGES } from "../../clients/generate-client.ts";
import type { Principal } from "../../transport/http-exchange.ts";
import { echo, stfsService, type TestModel } from "./test-stfs-service.ts";

const MODEL = { m: { signatures: { serving_default: echo(["keys", "int32", -1, 1]), other: echo(["x", "bool"]) } } };

async function client(query: string, headers: Record<string, string> = {}, principal?: Principal) {
  const { ask } = await stfsService(MODEL);
  return await ask("GET", `/v1/models/m/gen_client${query}`, "", headers, principal);
}

describe("a client", () => {
  test("is bash, to be shown or saved and not kept, unless another language is asked for", async () => {
    const { status, headers, text } = await client("", { host: "models.example:9000" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-disposition": expect.stringMatching(/^inline; filename="[\w.-]+\.sh"$/),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(text).toContain("http://models.example:9000");
    expect(text).toContain("/v1/models/m:predict");
  });

  test.each([
    ["json", /^\{"data": \{"keys": \[\[1\]\]\}\}\n$/],
    ["python", /urllib/],
    ["golang", /package main/],
    ["javascript", /fetch/],
  ])("in %s has that name", async (language, expected) => {
    expect((await client(`?language=${language}`)).text).toMatch(expected);
  });

  test.each([
    ["signature_name=other", '"signature_name"'],
    ["version=1", "/v1/models/m/versions/1:predict"],
  ])("of %s asks for that", async (query, expected) => {
    expect((await client(`?language=python&${query}`)).text).toContain(expected);
    expect((await client("?language=python")).text).not.toContain(expected);
  });

  test("says who calls as the caller of this request does", async () => {
    const asked = async (authorization: string, principal?: Principal) =>
      (await client("?language=python", { authorization }, principal)).text;
    const principal = { name: "ann", grants: new Set<never>() };
    const texts = [await asked("Basic YTpi"), await asked("Basic YTpi", principal), await asked("Bearer k", principal)];
    expect(new Set(texts).size).toBe(3);
    expect(texts[0]).not.toContain("Authorization");
    expect(texts[2]).toContain("Bearer");
    for (const text of texts) expect(text).not.toContain("YTpi");
  });

  test.each([
    ["?language=cobol", /cobol.*bash.*python/],
    ["?protocol=soap", /protocol must be rest or grpc, got/],
    ["?signature_name=no", /model m has no signature no to be called \(known: serving_default, other\)/],
    ["?version=stable", /version must be a number/],
  ])("of %s is refused", async (query, message) => {
    const { status, text } = await client(query);
    expect([status, text]).toEqual([400, expect.stringMatching(message)]);
  });

  describe("of what is posted", () => {
    const posted = async (body: string | Uint8Array, query = "?language=python", model: TestModel = MODEL.m) => {
      const { ask, faults } = await stfsService({ m: { ...model, example: '{"inputs": {"keys": [[77]]}}' } });
      const answer = await ask("POST", `/v1/models/m/gen_client${query}`, body);
      expect(faults).toEqual([]);
      return answer;
    };

    test.each(["python", "javascript", "go", "golang", "bash"])("in %s sends that, and no example", async (language) => {
      const { status, headers, text } = await posted('{"inputs": {"keys": [[123456789]]}}', `?language=${language}`);
      expect([status, headers["cache-control"]]).toEqual([200, "no-store"]);
      expect(text).toContain("123456789");
      expect(text).not.toContain("77");
    });

    test("is the body itself as JSON, digits and all", async () => {
      const { text } = await posted('{"instances":[9007199254740993,"\u00e9"]}', "?language=json");
      expect(text).toBe('{"instances": [9007199254740993, "\\u00e9"]}\n');
    });

    test.each([
      ['{"signature_name": "other", "inputs": {"x": true}}', "", /^\{"signature_name": "other", "inputs"/],
      ['{"signature_name": "other", "inputs": {"x": true}}', "&signature_name=other", /^\{"signature_name": "other", "inputs"/],
      ['{"inputs": {"x": true}}', "&signature_name=other", /^\{"signature_name": "other", "inputs"/],
      ['{"signature_name": "", "inputs": {"x": true}}', "&signature_name=other", /^\{"signature_name": "other", "inputs"/],
      ['{"inputs": {"keys": [[1]]}}', "&signature_name=serving_default", /^\{"inputs"/],
    ])("%s%s asks the signature that both name", async (body, query, expected) => {
      expect((await posted(body, `?language=json${query}`)).text).toMatch(expected);
    });

    test("goes over gRPC too", async () => {
      const { text } = await posted('{"instances": [[123456789]]}', "?language=python&protocol=grpc");
      expect(text).toContain("123456789");
    });

    test.each<[reason: string, body: string | Uint8Array, query?: string]>([
      ["is not JSON", ""],
      ["is not JSON", "{"],
      ["is not JSON", '{"inputs": NaN}'],
      ["an object with inputs or instances", "[1]"],
      ["an object with inputs or instances", "null"],
      ["an object with inputs or instances", '{"examples": []}'],
      ["signature_name must be a text", '{"signature_name": 1, "inputs": 1}'],
      ['the signature \\"a\\", the query for \\"b\\"', '{"signature_name": "a", "inputs": 1}', "&signature_name=b"],
      ["model m has no signature no to be called", '{"signature_name": "no", "inputs": 1}'],
      ["nested deeper than 64", `{"inputs": ${"[".repeat(65)}${"]".repeat(65)}}`],
      ["nested deeper than 64", `{"inputs": ${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
      ["has 65537 bytes, a program is written of 65536 at most", `{"inputs": "${"x".repeat(65_523)}"}`],
      ["is not UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
      ["version must be a number", '{"inputs": 1}', "&version=stable"],
    ])("is refused: %s", async (reason, body, query = "") => {
      const { status, text } = await posted(body, `?language=python${query}`);
      expect([status, text]).toEqual([400, expect.stringContaining(reason)]);
    });

    test("may have 64 KiB", async () => {
      expect((await posted(`{"inputs": "${"x".repeat(65_522)}"}`)).status).toBe(200);
    });

    test("does not grow without bounds", async () => {
      const narrow = Array.from({ length: 3000 }, () => '{"a":1}').join();
      const wide = Array.from({ length: 4000 }, (_, at) => `"n${at}":1`).join();
      const body = `{"instances":[{${wide}},${narrow}]}`;
      for (const { name: language, protocols } of CLIENT_LANGUAGES) {
        for (const protocol of protocols) {
          const { text } = await posted(body, `?language=${language}&protocol=${protocol}`);
          expect(text.length).toBeLessThan(3_000_000);
        }
      }
    });

    test("is taken by POST alone", async () => {
      const { ask } = await stfsService(MODEL);
      expect((await ask("PUT", "/v1/models/m/gen_client", "{}")).status).toBe(405);
    });
  });

  test("of a version that is not served is not found", async () => {
    expect((await client("?version=9")).status).toBe(404);
  });
});
