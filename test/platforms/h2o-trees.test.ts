import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { readMojo } from "../../src/platforms/h2o/mojo.ts";
import { ProgramBuilder } from "../../src/platforms/h2o/program-builder.ts";
import { below, readTrees } from "../../src/platforms/h2o/tree-tables.ts";
import { readXgboost } from "../../src/platforms/xgboost/read-xgboost.ts";
import { treeSums } from "../../src/runtimes/tabular/trees/tree-sums.ts";
import { filesOf, iniOf } from "../support/h2o.ts";

const COLUMNS = ["a", "b", "c"];
const NEVER = new AbortController().signal;

interface Split {
  readonly column: number;
  /** 1 missing or not, 2 and 4 missing goes left, 3 and 5 right. */
  readonly direction: number;
  readonly test: { readonly threshold: number } | { readonly first: number; readonly bits: readonly boolean[] };
  readonly left: Tree;
  readonly right: Tree;
}
type Tree = number | Split;

const tree = fc.letrec<{ tree: Tree; split: Split }>((tie) => ({
  tree: fc.oneof({ maxDepth: 5, withCrossShrink: true }, fc.float({ noNaN: true, noDefaultInfinity: true }), tie("split")),
  split: fc.record({
    column: fc.integer({ min: 0, max: 2 }),
    direction: fc.integer({ min: 1, max: 5 }),
    test: fc.oneof(
      fc.record({ threshold: fc.float({ min: -4, max: 4, noNaN: true }) }),
      fc.record({ first: fc.integer({ min: 0, max: 40 }), bits: fc.array(fc.boolean(), { maxLength: 40 }) }),
    ),
    left: tie("tree"),
    right: tie("tree"),
  }),
})).tree;

const value = fc.oneof(fc.double({ min: -5, max: 5 }), fc.integer({ min: 0, max: 90 }), fc.constant(Number.NaN));

describe.each([1, 1.1, 1.4])("trees of version %s", (version) => {
  test("give what a walk down the tree that was written gives", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 8 }), async (written, rows) => {
        const sums = treeSums(await ensembleOf(bytesOf(written, version, true), version));
        const found = sums({ rows: rows.length, width: 3, data: Float64Array.from(rows.flat()) });
        expect([...found.data]).toEqual(rows.map((row) => walk(written, row, version) + 0));
      }),
      { numRuns: 300 },
    );
  });

  test("are refused by their name wherever they are cut off or changed", async () => {
    const bytes = bytesOf(
      {
        column: 0,
        direction: 2,
        test: { threshold: 0.5 },
        left: { column: 1, direction: 3, test: { first: 3, bits: [true, false, true] }, left: 1, right: 2 },
        right: { column: 2, direction: 1, test: { threshold: 0 }, left: 3, right: 4 },
      },
      version,
      true,
    );
    for (let length = 0; length < bytes.length; length++) {
      await expect(ensembleOf(bytes.subarray(0, length), version)).rejects.toThrow("t00_000.bin");
    }
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = Buffer.from(bytes);
      changed[at >> 3]! ^= 1 << (at & 7);
      const read = await ensembleOf(changed, version).catch((reason: unknown) => reason);
      if (read instanceof ServingError) expect(read.message).toContain("t00_000.bin");
      else expect(read).toHaveProperty("roots");
    }
  });
});

test("a comparison with what is below a number is the same as being less than it", () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), (number, other) => {
      expect(other <= below(number)).toBe(Number.isNaN(number) ? !Number.isNaN(other) : other < number);
    }),
  );
  for (const number of [0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, 1, Number.POSITIVE_INFINITY]) {
    expect(number <= below(number)).toBe(false);
    expect(below(number)).toBeLessThan(number);
  }
});

async function ensembleOf(bytes: Buffer, version: number) {
  const ini = iniOf({ algorithm: "Gradient Boosting Machine", mojo_version: version, n_trees: 1 }, COLUMNS);
  const mojo = await readMojo(filesOf({ "model.ini": ini, "trees/t00_000.bin": bytes }), NEVER);
  return (await readTrees(mojo, new ProgramBuilder(NEVER, readXgboost))).ensemble;
}

/** As H2O writes it. */
function bytesOf(tree: Tree, version: number, isRoot = false): Buffer {
  if (typeof tree === "number") {
    const bytes = Buffer.alloc(isRoot ? 7 : 4);
    if (isRoot) bytes.writeUInt16LE(0xffff, 1);
    bytes.writeFloatLE(tree, bytes.length - 4);
    return bytes;
  }
  const [left, right] = [bytesOf(tree.left, version), bytesOf(tree.right, version)];
  const isLeaf = (part: Tree): boolean => typeof part === "number";
  let size = left.length < 256 ? 1 : left.length < 65536 ? 2 : 4;
  if (isLeaf(tree.left)) size = 0;
  const kind = (size === 0 ? 48 : size - 1) | ("bits" in tree.test ? 12 : 0) | (isLeaf(tree.right) ? 0xc0 : 0);
  const head = Buffer.from([kind, tree.column, 0, tree.direction]);
  const length = Buffer.alloc(size);
  if (size > 0) length.writeUIntLE(left.length, 0, size);
  return Buffer.concat([head, tree.direction === 1 ? Buffer.alloc(0) : testBytes(tree.test, version), length, left, right]);
}

function testBytes(test: Split["test"], version: number): Buffer {
  if ("threshold" in test) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(test.threshold);
    return bytes;
  }
  const set = Buffer.alloc(Math.ceil(test.bits.length / 8));
  for (const [i, bit] of test.bits.entries()) if (bit) set[i >> 3]! |= 1 << (i & 7);
  const head = Buffer.alloc(version > 1.1 ? 6 : 4);
  head.writeUInt16LE(test.first);
  if (version > 1.1) head.writeInt32LE(test.bits.length, 2);
  else head.writeUInt16LE(set.length, 2);
  return Buffer.concat([head, set]);
}

/** The rule as H2O has it, on the tree that was written. */
function walk(tree: Tree, row: readonly number[], version: number): number {
  if (typeof tree === "number") return Math.fround(tree);
  return walk(isRight(tree, row[tree.column]!, version) ? tree.right : tree.left, row, version);
}

function isRight({ direction, test }: Split, value: number, version: number): boolean {
  const missingLeft = direction === 2 || direction === 4;
  if (Number.isNaN(value)) return !missingLeft;
  if (direction === 1) return false;
  if ("threshold" in test) return value >= Math.fround(test.threshold);
  const count = version > 1.1 ? test.bits.length : Math.ceil(test.bits.length / 8) * 8;
  const place = Math.trunc(value) - test.first;
  if (place >= 0 && place < count) return test.bits[place] ?? false;
  return version > 1 && !missingLeft;
}
