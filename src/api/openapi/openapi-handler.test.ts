import { expect, test } from "vitest";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { createOpenApiHandler } from "./openapi-handler.ts";
import { RULES, servable, signature, tableOf } from "./test-document.ts";

const SERVABLE = servable({ serving_default: signature([], []) });

async function asking() {
  const table = await tableOf([]);
  const faults: unknown[] = [];
  const handler = createOpenApiHandler({ table, reportFault: (reason) => faults.push(reason), ...RULES });
  const ask = async (method = "GET", headers: Record<string, string> = {}) => {
    const request: HttpRequest = {
      method,
      target: "/openapi.json",
      header: (name) => headers[name],
      body: new Uint8Array(0),
      signal: new AbortController().signal,
    };
    const { status, headers: sent, body } = await handler(request);
    return { status, headers: new Map(sent), text: Buffer.from(body as Uint8Array).toString() };
  };
  return { ask, table, faults };
}

test.each(["GET", "HEAD"])("%s has the document", async (method) => {
  const { ask } = await asking();
  const { status, headers, text } = await ask(method);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/json");
  expect(headers.get("cache-control")).toBe("no-cache");
  expect(JSON.parse(text)).toMatchObject({ openapi: "3.1.0" });
});

test.each([(tag: string) => tag, (tag: string) => `W/${tag}`, (tag: string) => `"other", ${tag}`, () => "*"])(
  "who has it is told so, until it changes: %s",
  async (condition) => {
    const { ask, table } = await asking();
    const tag = (await ask()).headers.get("etag")!;
    const header = condition(tag);
    expect(await ask("GET", { "if-none-match": header })).toMatchObject({ status: 304, text: "" });
    await table.servables.publish({ name: "m", version: 1n }, SERVABLE);
    expect((await ask("GET", { "if-none-match": header })).status).toBe(header === "*" ? 304 : 200);
  },
);

test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is refused", async (method) => {
  const { ask } = await asking();
  const { status, headers } = await ask(method);
  expect(status).toBe(405);
  expect(headers.get("allow")).toBe("GET, HEAD");
});

test("a fault of the server's own is reported, and nothing of it told", async () => {
  const { ask, table, faults } = await asking();
  const broken = new Error("secret");
  await table.servables.publish(
    { name: "m", version: 1n },
    {
      ...SERVABLE,
      get signatures(): never {
        throw broken;
      },
    },
  );
  const { status, text } = await ask();
  expect(status).toBe(500);
  expect(text).not.toContain("secret");
  expect(faults).toEqual([broken]);
});
