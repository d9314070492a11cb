import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FLAGS, findFlag } from "../../src/config/flags.ts";
import { METRICS } from "../../src/metrics/definitions.ts";
import { spelling } from "../../src/metrics/spelling.ts";
import { document, documents, ROOT } from "./documents.ts";

/** Flags of other programs, and of `modelport client` and `modelport runtime`, that the documents name. */
const OTHER_PROGRAMS: ReadonlySet<string> = new Set([
  "against",
  "against-dist",
  "builtin",
  "cacert",
  "cert",
  "check",
  "config",
  "connections",
  "data-binary",
  "floor",
  "floor-models",
  "folder",
  "from",
  "gpu",
  "grants",
  "help",
  "ignore-scripts",
  "inputs",
  "key",
  "language",
  "list",
  "models",
  "oauth2-bearer",
  "output",
  "platform",
  "protocol",
  "protocols",
  "quick",
  "rounds",
  "seconds",
  "sections",
  "signature_name",
  "url",
]);

/** Names of flags in a text; documents write a flag that stands for any in upper case. */
function flagsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w-])--([a-z][\w-]*)/g)].map(([, name]) => name!);
}

test("every flag that a document names is one of the server's, or of a program that is listed", () => {
  const unknown = documents().flatMap(({ path, text }) =>
    flagsIn(text)
      .filter((name) => findFlag(name.replaceAll("-", "_")) === undefined && !OTHER_PROGRAMS.has(name))
      .map((name) => `${path}: --${name}`),
  );
  expect(unknown).toEqual([]);
});

test("every listed flag of another program is still named by a document", () => {
  const named = new Set(documents().flatMap(({ text }) => flagsIn(text)));
  expect([...OTHER_PROGRAMS].filter((name) => !named.has(name))).toEqual([]);
});

test("the page of flags is what the table of flags gives", () => {
  const script = join(ROOT, "scripts/write-command-line-reference.mjs");
  const run = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
  expect(run.stdout).toContain(`${FLAGS.length} flags`);
});

test("the page of metrics has every metric, and no other", () => {
  const rows = document("docs/reference/metrics.md").matchAll(/^\| (`:?[a-z]+[\w:]+` .*?) +\|[^|]*\|$/gm);
  const written = [...rows].map(([, row]) =>
    row!
      .replaceAll("`", "")
      .replace(/ *\| */g, " | ")
      .trim(),
  );
  const existing = METRICS.map((definition) => {
    const { name, labels } = spelling(definition, "tensorflow-serving");
    const other = spelling(definition, "prometheus").name;
    return [name, ...(other === name ? [] : [other]), definition.kind, labels.join(", ")].join(" | ").trim();
  });
  expect(written.sort()).toEqual(existing.sort());
});

test("the page of log events has every event, and no other", () => {
  const written = new Set([...document("docs/reference/log-events.md").matchAll(/^\| `([a-z_]+)`/gm)].map(([, name]) => name));
  expect([...written].sort()).toEqual([...loggedEvents()].sort());
});

/** Names of events in the source: what is given to a log, what the transport reports, and what sources warn about. */
function loggedEvents(): ReadonlySet<string> {
  const found = new Set<string>();
  const source = join(ROOT, "src");
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts") || /\.test\.ts$|^fake-/.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const [, name] of text.matchAll(/\b(?:log\??\.(?:debug|info|warn|error)|report)\(\s*"([a-z_]+)"/g)) found.add(name!);
    if (entry.name === "source-event.ts") for (const [, name] of text.matchAll(/^ {2}\| "([a-z_]+)"/gm)) found.add(name!);
  }
  return found;
}
