// Writes src/gen from proto/. With --check it writes nothing and fails when src/gen is not what proto/ gives.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";

const require = createRequire(import.meta.url);
const root = resolve(import.meta.dirname, "..");
const target = join(root, "src/gen");

const generated = generate();
if (process.argv.includes("--check")) check(generated);
else write(generated);

/** The generated files' text by path, made in a folder of its own. */
function generate() {
  const folder = mkdtempSync(join(tmpdir(), "generate-protobuf-"));
  try {
    execFileSync(process.execPath, [require.resolve("@bufbuild/buf/bin/buf"), "generate", "--output", folder], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
    return new Map([...read(folder)].map(([path, text]) => [path, withoutEnums(text)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The compiler runs with erasableSyntaxOnly, which has no place for TypeScript's enums: each becomes a constant object
 * and a type of the same name. A protobuf enum is open, so the numbers stand for names and nothing is mapped back.
 */
function withoutEnums(text) {
  return text.replace(/^export enum (\w+) \{\n([\s\S]*?)^\}$/gm, (_, name, body) => {
    const members = body.replace(/^( {2}\w+) = (-?\d+),$/gm, "$1: $2,");
    return [
      `export const ${name} = {\n${members}} as const;`,
      "",
      "/** One of the numbers above. */",
      `export type ${name} = (typeof ${name})[keyof typeof ${name}];`,
    ].join("\n");
  });
}

function check(expected) {
  const actual = read(target);
  const faults = [];
  for (const [path, text] of expected) {
    if (!actual.has(path)) faults.push(`${path} is missing`);
    else if (actual.get(path) !== text) faults.push(`${path} differs`);
  }
  for (const path of actual.keys()) if (!expected.has(path)) faults.push(`${path} has no .proto file`);
  for (const fault of faults) console.error(`src/gen: ${fault}`);
  if (faults.length > 0) {
    console.error('run "npm run generate" and commit the result');
    process.exit(1);
  }
  console.log(`src/gen: ${expected.size} files are up to date`);
}

function write(files) {
  rmSync(target, { recursive: true, force: true });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), text);
  }
  console.log(`src/gen: ${files.size} files written`);
}

/** Text of every file below a folder, by its path in it; empty when there is no such folder. */
function read(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOENT") return new Map();
    throw error;
  }
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.sort().map((file) => [relative(folder, file).replaceAll("\\", "/"), readFileSync(file, "utf8")]));
}
