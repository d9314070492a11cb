// Fuzzes the parsers for long, guided by coverage: node scripts/fuzz.mjs --help. Inputs that crash a parser are kept in
// test/fuzz/corpus, and the exit code is then 1.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./set-up.mjs";

const built = join(root, "node_modules/.cache/modelport-fuzz");
mkdirSync(built, { recursive: true });
writeFileSync(join(built, "package.json"), '{ "type": "module" }\n');

/** Runs Node; its exit code, 1 when a signal ended it (as the watchdog does with a parser that hangs). */
function node(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

const compiled = node(join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "test/fuzz/tsconfig.build.json"));
if (compiled !== 0) console.error("the sources have type errors; fuzzing what they were compiled to");
process.exitCode = node(
  "--enable-source-maps",
  join(built, "test/fuzz/long-run.js"),
  `--corpus=${join(root, "test/fuzz/corpus")}`,
  ...process.argv.slice(2),
);
