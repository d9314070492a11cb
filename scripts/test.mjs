// `npm test` makes every check there is; `npm test -- ARGUMENTS` hands the arguments to vitest, last. Needs only Node and npm.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { ensureBuilt, ensureInstalled, requireNode, root } from "./set-up.mjs";

requireNode();
ensureInstalled();

/** Each step's name, and the script that Node runs for it. The tests start the built server, so it is built before them. */
const STEPS = [
  ["types", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json"],
  ["types of the dashboard", "node_modules/typescript/bin/tsc", "-p", "dashboard/tsconfig.json"],
  ["format and lint", "node_modules/@biomejs/biome/bin/biome", "check", "."],
  ["lint with types", "node_modules/oxlint/bin/oxlint", "--type-aware"],
  ["rooms", "scripts/check-arrows.mjs"],
  ["unused", "node_modules/knip/bin/knip.js"],
  ["generated code", "scripts/generate-protobuf.mjs", "--check"],
  ["number module", "scripts/build-number-module.mjs", "--check"],
  ["build"],
  ["model config schema", "scripts/write-model-config-schema.mjs", "--check"],
  ["operator tables", "scripts/write-operator-tables.mjs", "--check"],
  ["tests", "node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)],
];

const env = { ...process.env, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}` };

for (const [name, script, ...args] of STEPS) {
  console.log(`\n> ${name}`);
  const started = performance.now();
  if (script === undefined) ensureBuilt();
  else {
    const { status, signal } = spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: "inherit", env });
    if (status !== 0) {
      console.error(`\n${name} failed (${signal ?? `exit code ${status}`})`);
      process.exit(status ?? 1);
    }
  }
  console.log(`> ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
