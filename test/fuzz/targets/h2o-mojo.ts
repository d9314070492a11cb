import { compileMojo } from "../../../src/platforms/h2o/compile-mojo.ts";
import { damaged, type MojoFiles } from "../../../src/platforms/h2o/mojo-files.ts";
import { readTree, type SplitTest } from "../../../src/platforms/h2o/tree-bytes.ts";
import { readXgboost } from "../../../src/platforms/xgboost/read-xgboost.ts";
import { TabularServable } from "../../../src/runtimes/tabular/tabular-servable.ts";
import { stringTensor, type Tensor } from "../../../src/tensor/tensor.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const FILE = "t00_000.bin";
const COLUMNS = 16;
const NEVER = new AbortController().signal;
/** More columns than models of this length have; a row of more is not made. */
const MOST_COLUMNS = 200;

/** The reader of a tree's bytes: each node but the root is below one before it, and nothing is read twice. */
export const h2oTree: FuzzTarget = {
  name: "h2o-tree",
  dictionary: [
    "00ffff",
    "30",
    "f0",
    "0c",
    "cc",
    "08",
    "c8",
    "0100",
    "0000",
    "01",
    "02",
    "03",
    "04",
    "05",
    "0000803f",
    "00000000",
    "ff",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 2000,
  run(input): Outcome {
    const kinds: string[] = [];
    const below = new Set<number>();
    let count = 0;
    const add = (kind: string): number => {
      kinds.push(kind);
      return count++;
    };
    try {
      readTree(
        input.subarray(1),
        [1, 1.1, 1.4][input[0]! % 3] ?? 1.4,
        COLUMNS,
        {
          leaf: () => add("leaf"),
          split: (column, test) => {
            if (column >= COLUMNS) throw new Error("a column that there is not");
            return add(kindOf(test));
          },
          child: (parent, _, node) => {
            if (parent >= node || below.has(node)) throw new Error("a node below two, or above its parent");
            below.add(node);
          },
        },
        FILE,
      );
    } catch (reason) {
      return named(reason, FILE);
    }
    if (below.size !== count - 1) throw new Error("nodes without parents");
    return { accepted: true, shape: kindsOf(kinds) };
  },
};

function kindOf(test: SplitTest): string {
  if (test.kind === "levels" && test.set.bytes.length * 8 < test.set.bits) throw new Error("a set that is cut off");
  return `${test.kind} ${test.missingLeft}`;
}

const leaf = Buffer.from("00ffff0000803f", "hex");
const ones = Buffer.alloc(4096, Buffer.from("3ff0000000000000", "hex"));
const line = Buffer.from("000000023ff00000000000004000000000000000", "hex");

/** What a model may have beside its `model.ini`. */
const FILES: ReadonlyMap<string, Buffer> = new Map([
  ["domains/d000.txt", Buffer.from("x\ny\n")],
  ["domains/d001.txt", Buffer.from("no\nyes\n")],
  ["domains/d002.txt", Buffer.from("a\nb\nc\n")],
  ["trees/t00_000.bin", leaf],
  ["trees/t01_000.bin", leaf],
  ["trees/t00.bin", Buffer.from("01000000000000004c01000000", "hex")],
  ["_orig_names", Buffer.from("A\nB\nY\n")],
  ["_orig_domain_values_1", Buffer.from("x\ny\n")],
  ["_orig_domain_values_2", Buffer.from("no\nyes\n")],
  ["eigenvectors_raw", ones],
  ["x_mean_cat", ones],
  ["x_mean_num", ones],
  ["calib/thresholds_x", line],
  ["calib/thresholds_y", line],
  ["vectors", Buffer.alloc(16)],
  ["vocabulary", Buffer.from("cat\ndog\n")],
  ["feature_engineering/target_encoding/encoding_map.ini", Buffer.from("[A]\n0 = 1.0 4.0\n1 = 2.0 3.0\n")],
  [
    "m/model.ini",
    Buffer.from(
      "[info]\nalgorithm = Generalized Linear Modeling\nmojo_version = 1.0\ncategory = Regression\nn_features = 1\nn_classes = 1\n" +
        "n_columns = 1\nfamily = gaussian\nlink = identity\ncats = 1\nnums = 0\ncat_offsets = [0, 2]\nbeta = [1.0, 2.0, 3.0]\n" +
        "mean_imputation = true\ncat_modes = [0]\n[columns]\nM0T0\n[domains]\n0: 2 d003.txt\n",
    ),
  ],
  ["m/domains/d003.txt", Buffer.from("M0T0N1\nM0T0N2\n")],
]);

/** The reader of `model.ini`, and what is made of it with a few files: what is read has an answer. */
export const h2oIni: FuzzTarget = {
  name: "h2o-ini",
  dictionary: [
    "[info]\n",
    "[columns]\n",
    "[domains]\n",
    " = ",
    "null",
    "true",
    "false",
    "NaN",
    "-1",
    "[0, 2]",
    "[1.0, 2.0]",
    "1e308",
    "999999999",
    "0: 2 d000.txt\n",
    "_genmodel_encoding = OneHotExplicit\n",
    "_genmodel_encoding = Binary\n",
    "n_trees = 1\n",
    "balance_classes = true\n",
    "calib_method = platt\ncalib_glm_beta = [1.0, 2.0]\n",
    "calib_method = isotonic\ncalib_min_x = 1.0\ncalib_max_x = 2.0\n",
    "submodel_dir_0 = m/\n",
    "algorithm = Distributed Random Forest\n",
    "algorithm = Generalized Linear Modeling\n",
    "algorithm = K-means\n",
    "algorithm = Word2Vec\nvec_size = 2\nvocab_size = 2\n",
    "algorithm = TargetEncoder\nwith_blending = false\n",
    "algorithm = Isotonic Regression\ncalib_min_x = 1.0\ncalib_max_x = 2.0\n",
  ],
  longest: 3000,
  async run(input): Promise<Outcome> {
    const files: MojoFiles = {
      name: "m.zip",
      bytes: input.length,
      count: FILES.size,
      has: (name) => name === "model.ini" || FILES.has(name),
      read: (name) => {
        const bytes = name === "model.ini" ? input : FILES.get(name);
        return bytes === undefined ? Promise.reject(damaged("m.zip", `has no ${name}`)) : Promise.resolve(bytes);
      },
    };
    try {
      const program = await compileMojo(files, readXgboost, NEVER);
      if (program.inputs.length > MOST_COLUMNS) return { accepted: true, shape: "wide" };
      const row = new Map<string, Tensor>();
      for (const [i, { alias, type }] of program.inputs.entries()) {
        row.set(alias, type === "texts" ? stringTensor([1], ["x"]) : { dtype: "float64", shape: [1], data: Float64Array.of(i) });
      }
      const { outputs } = program.signatures.get("predict")!;
      const answers = await new TabularServable(program).run(
        "predict",
        row,
        outputs.map(({ alias }) => alias),
      );
      if (answers.size !== outputs.length) throw new Error("an answer is missing");
      return { accepted: true, shape: kindsOf(outputs.map(({ alias }) => alias)) };
    } catch (reason) {
      const outcome = refusal(reason);
      // What a row is refused for is not the file's fault.
      return outcome.shape.startsWith("invalid-argument") ? outcome : named(reason, "m.zip");
    }
  },
};

/** A refusal that says which file is at fault. */
function named(reason: unknown, name: string): Outcome {
  const outcome = refusal(reason);
  if ((reason as Error).message.includes(name)) return outcome;
  throw new Error("a refusal does not name the file", { cause: reason });
}
