// Writes schema/model-config.schema.json from src/config/model-config-schema.ts. With --check it writes nothing and fails when the
// file differs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";

const root = resolve(import.meta.dirname, "..");
const built = join(root, "dist/config/model-config-schema.js");
const file = join(root, "schema/model-config.schema.json");

if (!existsSync(built)) fail("the server is not built: run `npm run build` first");
const { modelConfigJsonSchema } = await import(pathToFileURL(built).href);
const schema = JSON.parse(JSON.stringify(modelConfigJsonSchema()));

if (process.argv.includes("--check")) {
  const current = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  if (!isDeepStrictEqual(current, schema)) {
    fail(
      "schema/model-config.schema.json is not what src/config gives: run `node scripts/write-model-config-schema.mjs` and commit the result",
    );
  }
  console.log("schema/model-config.schema.json is up to date");
} else {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
  execFileSync(process.execPath, [biome, "format", "--write", file], { cwd: root, stdio: "inherit" });
  console.log("schema/model-config.schema.json written");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
