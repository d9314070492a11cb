import { ServingError } from "../../../src/base/serving-error.ts";
import { MemoryBudget } from "../../../src/codec/parquet/memory-budget.ts";
import { type ParquetTable, readParquet } from "../../../src/codec/parquet/parquet-table.ts";
import { compileStages } from "../../../src/platforms/spark/compile-stages.ts";
import type { ModelFolder } from "../../../src/platforms/spark/model-folder.ts";
import { Stage } from "../../../src/platforms/spark/stage.ts";
import { readStageMetadata } from "../../../src/platforms/spark/stage-metadata.ts";
import { TabularServable } from "../../../src/runtimes/tabular/tabular-servable.ts";
import { stringTensor, type Tensor } from "../../../src/tensor/tensor.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

/** Memory that a file may ask for: little, so that one which asks for more is found. */
const MOST_BYTES = 1 << 20;
/** More numbers than a row of such stages has; a row of more is not made. */
const MOST_NUMBERS = 10_000;
const NEVER = new AbortController().signal;

/** The reader of Parquet files. */
export const sparkParquet: FuzzTarget = {
  name: "spark-parquet",
  dictionary: [
    "50415231",
    "15001500",
    "15041500",
    "15061500",
    "2c1502",
    "1500",
    "1502",
    "1510",
    "1510150615061c",
    "19fc",
    "ffffffff0f",
    "03",
    "0300000003",
  ].map((hex) => Buffer.from(hex, "hex")),
  run(input): Outcome {
    let table: ParquetTable;
    try {
      const reading = readParquet(input, () => true, new MemoryBudget(MOST_BYTES));
      let step = reading.next();
      while (!step.done) step = reading.next();
      table = step.value;
    } catch (reason) {
      return refusal(reason);
    }
    for (const { starts, values } of table.columns.values()) {
      let parts = table.rows;
      for (const places of starts) {
        if (places.length !== parts + 1) throw new Error(`${places.length} places of ${parts} lists`);
        for (const [i, place] of places.entries()) if (i > 0 && place < places[i - 1]) throw new Error("places do not rise");
        parts = places[parts];
      }
      if (values.length !== parts) throw new Error(`${values.length} values of ${parts}`);
    }
    const kinds = Array.from(table.columns.values(), ({ starts, values }) => `${starts.length}${values instanceof Float64Array}`);
    return { accepted: true, shape: kindsOf(kinds) };
  },
};

/** A folder that has nothing but metadata. */
const EMPTY = {
  place: "",
  folder: () => EMPTY,
  table: () => Promise.reject(new ServingError("not-found", "there are no data")),
} as unknown as ModelFolder;

/** Metadata of stages, a line each, and what is made of those that have no data. */
export const sparkMetadata: FuzzTarget = {
  name: "spark-metadata",
  dictionary: [
    '"paramMap":{',
    '"inputCol":"a",',
    '"outputCol":"b",',
    '"inputCols":["a","b"],',
    '"handleInvalid":"keep",',
    '"pattern":"',
    "[a-z]+",
    "\\\\p{L}",
    "(?:x|y)",
    "{2,3}",
    '"splits":["-Inf",0.0,"Inf"],',
    '"scalingVec":{"type":1,"values":[1.0]}',
    '"type":0,"size":3,"indices":[0]',
    '"degree":3,',
    '"size":4,',
    '"n":3,',
    '"numFeatures":20,',
    '"features"',
    "null",
    "1e308",
    "-1",
    "__proto__",
  ],
  longest: 2000,
  async run(input): Promise<Outcome> {
    try {
      const lines = input
        .toString("utf8")
        .split("\n")
        .filter((line) => line !== "");
      const stages = lines.map((line) => new Stage(readStageMetadata(line, ""), EMPTY));
      if (stages.length === 0) throw new ServingError("data-loss", "there is no stage");
      const program = await compileStages(stages, NEVER);
      const [numbers, texts]: [number, string] = [2, "A word, and b"];
      if (program.inputs.some(({ columns }) => columns > MOST_NUMBERS)) return { accepted: true, shape: "wide" };
      const row = program.inputs.map(({ alias, type, columns }): readonly [string, Tensor] => [
        alias,
        type === "texts"
          ? stringTensor([1, columns], [texts])
          : { dtype: "float64", shape: [1, columns], data: new Float64Array(columns).fill(numbers) },
      ]);
      const { outputs } = program.signatures.get("transform")!;
      // What is narrow: a wide one takes long to make and tells no more.
      const aliases = outputs
        .filter(({ shape }) => shape === undefined || (shape[1] ?? 1) <= MOST_NUMBERS)
        .map(({ alias }) => alias);
      const answers = await new TabularServable(program).run("transform", new Map(row), aliases);
      if (answers.size !== aliases.length) throw new Error("an output is not there");
      return { accepted: true, shape: kindsOf(program.operations.map(({ kind }) => kind).sort()) };
    } catch (reason) {
      return refusal(reason);
    }
  },
};
