// Writes schema/model-config.schema.json and schema/processing.schema.json from src/config. With --check it writes nothing and fails
// when a file differs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";

const root = resolve(import.meta.dirname, "..");

const SCHEMAS = [
  { module: "config/model-config-schema.js", maker: "modelConfigJsonSchema", name: "schema/model-config.schema.json" },
  { module: "config/processing-schema.js", maker: "processingJsonSchema", name: "schema/processing.schema.json" },
];

for (const { module, maker, name } of SCHEMAS) {
  const built = join(root, "dist", module);
  const file = join(root, name);
  if (!existsSync(built)) fail("the server is not built: run `npm run build` first");
  const schema = JSON.parse(JSON.stringify((await import(pathToFileURL(built).href))[maker]()));
  if (process.argv.includes("--check")) {
    const current = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
    if (!isDeepStrictEqual(current, schema)) {
      fail(`${name} is not what src/config gives: run \`node scripts/write-model-config-schema.mjs\` and commit the result`);
    }
    console.log(`${name} is up to date`);
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
    const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
    execFileSync(process.execPath, [biome, "format", "--write", file], { cwd: root, stdio: "inherit" });
    console.log(`${name} written`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
