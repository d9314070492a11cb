import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolders } from "../support/folders.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { document, ROOT } from "./documents.ts";

const PAGE = "docs/guide/tabular-models.md";

interface Example {
  readonly path: string;
  readonly body: string;
  readonly answer: unknown;
}

const folder = temporaryFolders();
const blocks = [...document(PAGE).matchAll(/^```(sh|json)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({
  kind,
  text: text!,
}));
let server: RunningServer;

/** Requests, and the answer that is shown next after each. */
const EXAMPLES: readonly Example[] = blocks.flatMap(({ kind, text }, index) => {
  if (kind !== "sh") return [];
  const [, body, path] = /^curl -d '([\s\S]*)' \\\n {2}http:\/\/127\.0\.0\.1:8501(\S+)$/.exec(text.trim())!;
  const answer = blocks.slice(index).find((block) => block.kind === "json")!;
  return [{ path: path!, body: body!, answer: JSON.parse(answer.text) as unknown }];
});

beforeAll(async () => {
  const { models } = JSON.parse(blocks[0]!.text) as { models: Record<string, { base_path: string }> };
  const there = Object.entries(models).map(
    ([name, model]) => [name, { ...model, base_path: join(ROOT, model.base_path) }] as const,
  );
  for (const [, { base_path }] of there) expect(existsSync(base_path), base_path).toBe(true);
  const config = join(folder(), "models.json");
  writeFileSync(config, JSON.stringify({ models: Object.fromEntries(there) }));
  server = await startServer([`--model_config_file=${config}`]);
}, 60_000);

afterAll(() => server?.stop());

test.each(EXAMPLES)("$path answers $body as the page says", async ({ path, body, answer }) => {
  const { text } = await rest(`${server.url}${path}`, body);
  expect(JSON.parse(text)).toEqual(nearly(answer));
});

test("the page has examples", () => expect(EXAMPLES.length).toBeGreaterThan(5));

/** The same value, its fractions to nine digits. */
function nearly(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : expect.closeTo(value, 9);
  if (Array.isArray(value)) return value.map(nearly);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, nearly(member)]));
}
