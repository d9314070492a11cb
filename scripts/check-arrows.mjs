// Fails when a room of src/ imports from a room it may not know (see docs/adr/0001-rooms-and-arrows.md).
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Which rooms each room may import from, itself aside. */
const ALLOWED = {
  base: [],
  gen: [],
  tensor: ["base"],
  codec: ["base", "tensor", "gen"],
  model: ["base", "tensor"],
  core: ["base"],
  metrics: ["base"],
  sources: ["base", "core"],
  runtimes: ["base", "tensor", "model", "codec"],
  graph: ["base", "tensor"],
  platforms: ["base", "tensor", "model", "codec", "graph"],
  batching: ["base", "tensor", "model", "metrics"],
  serving: ["base", "tensor", "codec", "core", "model", "metrics"],
  transport: ["base"],
  provisioning: ["base"],
  processing: ["base", "tensor", "codec", "model"],
  clients: ["base", "tensor"],
  security: ["base", "config", "transport"],
  api: ["base", "tensor", "codec", "gen", "model", "serving", "transport", "metrics", "clients"],
  config: ["base", "codec", "gen", "model"],
  control: [
    "base",
    "tensor",
    "model",
    "core",
    "sources",
    "platforms",
    "runtimes",
    "config",
    "batching",
    "serving",
    "metrics",
    "codec",
    "gen",
    "provisioning",
    "processing",
  ],
  threads: [
    "base",
    "tensor",
    "model",
    "core",
    "runtimes",
    "batching",
    "serving",
    "transport",
    "api",
    "metrics",
    "codec",
    "processing",
    "security",
  ],
  cli: [
    "base",
    "tensor",
    "model",
    "config",
    "control",
    "threads",
    "platforms",
    "runtimes",
    "metrics",
    "serving",
    "transport",
    "security",
    "provisioning",
    "clients",
  ],
};

/** Rooms that may not touch these modules of Node's. */
const FORBIDDEN_MODULES = {
  core: /^node:/,
  tensor: /^node:/,
  codec: /^node:(fs|net|http|tls|worker_threads)/,
  serving: /^node:(fs|net|http|worker_threads)/,
  batching: /^node:(fs|net|http|worker_threads)/,
};

const source = resolve(import.meta.dirname, "../src");
const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;
const faults = [];

for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
  const file = join(entry.parentPath, entry.name);
  const test = entry.name.endsWith(".test.ts");
  const [room] = relative(source, file).split(sep);
  if (!(room in ALLOWED)) faults.push(`${relative(source, file)}: room "${room}" is not in scripts/check-arrows.mjs`);
  for (const match of readFileSync(file, "utf8").matchAll(IMPORT)) {
    const target = match[1] ?? match[2];
    if (!target.startsWith(".")) {
      if (!test && FORBIDDEN_MODULES[room]?.test(target))
        faults.push(`${relative(source, file)}: ${room}/ may not use ${target}`);
      continue;
    }
    const path = relative(source, resolve(dirname(file), target));
    const [other, inner] = path.split(sep);
    if (path.startsWith("..")) faults.push(`${relative(source, file)}: imports ${target} from outside src/`);
    else if (other !== room && !ALLOWED[room]?.includes(other))
      faults.push(`${relative(source, file)}: ${room}/ may not import from ${other}/ (${target})`);
    else if (room === "platforms" && other === "platforms") {
      const own = relative(source, file).split(sep)[1];
      if (own !== inner && !inner.endsWith(".ts") && own !== "registry.ts")
        faults.push(`${relative(source, file)}: platforms/${own} may not import platforms/${inner}`);
    }
  }
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log("arrows hold");
