// What `npm start` and `npm test` do first: check Node, install what is missing, build what changed. Uses nothing but Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const STAMP = join(root, "dist", ".build-stamp");

/** Whether this version of Node can run the server: ^20.19, ^22.12 or 24 and later. */
export function supportsNode(version) {
  const [major, minor] = version.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
}

/**
 * Whether what npm noted as installed is what the lock file wants. Packages for other machines are marked optional in the lock
 * file and may be absent.
 */
export function matchesLock(lock, installed) {
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === "" || wanted.link) return true;
    const present = installed.packages[path];
    return present === undefined ? wanted.optional === true : present.version === wanted.version;
  });
}

/** A text that changes when a source file or a setting of the build does. */
export function buildFingerprint(folder) {
  const hash = createHash("sha256");
  const settings = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((name) => join(folder, name));
  const sources = ["src", "dashboard"]
    .flatMap((room) => readdirSync(join(folder, room), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...settings, ...sources.sort()]) {
    const stat = statSync(file, { throwIfNoEntry: false });
    hash.update(`${file}\0${stat?.size}\0${stat?.mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** Ends the process with a message when Node is too old. */
export function requireNode() {
  if (supportsNode(process.versions.node)) return;
  fail(`modelport needs Node 20.19, 22.12, 24 or later; this is ${process.versions.node}. Get one from https://nodejs.org`);
}

/**
 * Installs the dependencies when they are missing or not those of the lock file. Not by `npm ci`: it refuses a lock file that lacks
 * some other machine's optional package, and npm cannot note one that the registry it was written with did not have.
 */
export function ensureInstalled() {
  const lock = readJson(join(root, "package-lock.json"));
  const installed = readJson(join(root, "node_modules", ".package-lock.json"));
  if (installed !== undefined && (lock === undefined || matchesLock(lock, installed))) return;
  console.log("Installing dependencies (npm install) ...");
  npm(["install", "--no-save", "--include=dev", "--no-audit", "--no-fund"]);
}

/** Builds `dist/`, the dashboard's page included, when a source file is newer than it or gone. */
export function ensureBuilt() {
  const fingerprint = buildFingerprint(root);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === fingerprint) return;
  console.log("Building ...");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  build("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");
  build("node_modules/vite/bin/vite.js", "build", "dashboard", "--logLevel", "warn");
  writeFileSync(STAMP, fingerprint);
}

function build(script, ...args) {
  if (run(process.execPath, [join(root, script), ...args]).status !== 0) fail("the build failed; the errors are above");
}

function npm(args) {
  const script = process.env.npm_execpath;
  const { status, error } =
    script !== undefined && basename(script).startsWith("npm-")
      ? run(process.execPath, [script, ...args])
      : run("npm", args, { shell: process.platform === "win32" });
  if (error !== undefined) fail(`npm could not be started (${error.code}); it comes with Node`);
  if (status !== 0) fail(`npm ${args[0]} failed; its messages are above`);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
}

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
