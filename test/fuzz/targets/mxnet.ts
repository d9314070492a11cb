import { TestWindow } from "../../../src/codec/saved-model/test-window.ts";
import { encodeModel } from "../../../src/graph/encode-model.ts";
import type { FileWindow } from "../../../src/platforms/file-window.ts";
import { importGraph } from "../../../src/platforms/mxnet/import-graph.ts";
import { OPERATORS } from "../../../src/platforms/mxnet/operators.ts";
import { type Parameter, readParams } from "../../../src/platforms/mxnet/read-params.ts";
import { readSymbol } from "../../../src/platforms/mxnet/read-symbol.ts";
import { ARRAY_TYPES } from "../../../src/tensor/dtype.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const FILES = { symbol: "m-symbol.json", params: "m-0001.params" } as const;
const WINDOW_BYTES = 4096;
const NEVER = new AbortController().signal;

/** The reader of `.params` files. */
export const mxnetParams: FuzzTarget = {
  name: "mxnet-params",
  dictionary: [
    "1201000000000000",
    "c8faf993",
    "c9faf993",
    "cafaf993",
    "c9faf99302000000",
    "c9faf99301000000",
    "00000000",
    "01000000",
    "02000000",
    "06000000",
    "ffffffff",
    "0100000000000000",
    "6172673a",
    "6175783a",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 500,
  async run(input): Promise<Outcome> {
    let found: ReadonlyMap<string, Parameter>;
    try {
      found = await readParams(new TestWindow(input, WINDOW_BYTES) as unknown as FileWindow, FILES.params, NEVER);
    } catch (reason) {
      return named(reason, [FILES.params]);
    }
    for (const { dtype, shape, data } of found.values()) {
      if (data.length * ARRAY_TYPES[dtype].width !== shape.reduce((product, size) => product * size, 1))
        throw new Error("another size");
    }
    return {
      accepted: true,
      shape: kindsOf([...found.values()].map(({ dtype, shape }) => `${dtype} ${Math.min(shape.length, 3)}`)),
    };
  },
};

const filled = (...shape: readonly number[]): Parameter => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5),
});

const PARAMETERS: ReadonlyMap<string, Parameter> = new Map([
  ["w", filled(4, 3)],
  ["k", filled(4, 3, 2, 2)],
  ["v", filled(4)],
  ["p", filled(168)],
  ["i", { dtype: "int64", shape: [2], data: BigInt64Array.of(0n, 1n) }],
]);

/** The reader of graphs, and what is made of them with a few parameters. */
export const mxnetSymbol: FuzzTarget = {
  name: "mxnet-symbol",
  dictionary: [
    ...OPERATORS.map(({ names }) => JSON.stringify(names[0])),
    ...PARAMETERS.keys(),
    '"null"',
    '"attrs": {',
    '"param": {',
    '"axis": "',
    '"shape": "(0, -1)"',
    '"kernel": "(2, 2)"',
    '"(-4, 2, -1, -2)"',
    '"None"',
    '"True"',
    "[0, 0, 0]",
    "[1, 0, 0]",
    "-1",
    "1e308",
    "9007199254740993",
  ],
  longest: 2000,
  async run(input): Promise<Outcome> {
    try {
      const symbol = readSymbol(input, FILES.symbol);
      const graph = await importGraph(
        { symbol, parameters: PARAMETERS, shapes: new Map([["data", [0, 3, 4, 4]]]), files: FILES },
        NEVER,
      );
      const { operators } = encodeModel(graph);
      return { accepted: true, shape: kindsOf([...operators].sort()) };
    } catch (reason) {
      return named(reason, [FILES.symbol, FILES.params]);
    }
  },
};

/** A refusal that says which file is at fault. */
function named(reason: unknown, names: readonly string[]): Outcome {
  const outcome = refusal(reason);
  if (names.some((name) => (reason as Error).message.includes(name))) return outcome;
  throw new Error("a refusal does not name the file", { cause: reason });
}
