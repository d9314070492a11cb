// What counting a call among its version's figures costs, in one thread: the same calls with and without, in turn.
//
//   node benchmark/counted-call.mjs [--rounds=15]
//
// Each figure is the median of its rounds, in nanoseconds a call; the difference is that of neighbouring rounds.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
const CALLS = 300_000;

const dist = new URL("../dist/", import.meta.url);
const [{ ServingTable }, { withServable }, { withCountedServable }, { CallFigures, figuresMemory }] = await Promise.all(
  ["serving/serving-table.js", "serving/with-servable.js", "serving/with-counted-servable.js", "metrics/version-figures.js"].map(
    (path) => import(new URL(path, dist)),
  ),
);

const SPEC = { name: "m", version: undefined, versionLabel: undefined, signatureName: "" };
const table = new ServingTable();
const servable = { signatures: new Map() };
await table.servables.publish({ name: "m", version: 1n }, servable);
table.setFigures(servable, new CallFigures(figuresMemory(2), 1));

/** Nanoseconds a call. */
async function measure(call, use) {
  const began = performance.now();
  for (let i = 0; i < CALLS; i++) {
    const result = call(table, SPEC, use);
    if (result instanceof Promise) await result;
  }
  return ((performance.now() - began) * 1e6) / CALLS;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const rows = [];
for (const [kind, use] of [
  ["answered at once", () => 1],
  ["answered later", async () => 1],
]) {
  const plain = [];
  const counted = [];
  for (let round = -2; round < rounds; round++) {
    const [a, b] = [await measure(withServable, use), await measure(withCountedServable, use)];
    if (round < 0) continue;
    plain.push(a);
    counted.push(b);
  }
  rows.push({
    kind,
    "not counted, ns": median(plain).toFixed(0),
    "counted, ns": median(counted).toFixed(0),
    "difference, ns": median(counted.map((each, index) => each - plain[index])).toFixed(0),
  });
}
console.table(rows);
