import {
  type CatboostModel,
  type Combination,
  damaged,
  type Feature,
  type NodeModel,
  type NumberFeature,
  STATISTIC_TYPES,
  type StatisticFeature,
  type StatisticTable,
  type StatisticType,
  tableKey,
  uncovered,
} from "./catboost-model.ts";
import { DocumentPart } from "./document-part.ts";
import { memberOf, modelInfo } from "./model-info.ts";

/** A string of the language holds no more. */
const MOST_BYTES = 2 ** 29 - 25;
/** The library's own marks this hash as none. */
const NO_HASH = 2n ** 64n - 1n;
const TREATMENTS = ["AsIs", "AsFalse", "AsTrue"];

/** Keys come in order in what the library writes, but not in what others have written anew. */
const JSON_START = /^\s*\{\s*"(?:ctr_data|features_info|model_info|oblivious_trees|scale_and_bias|trees)"\s*:/;
/** What only CatBoost's documents have among these keys. */
const OWN_START =
  /"(?:features_info|float_features|float_feature_index|cat_features_hash|catboost_version_info|leaf_weights|splits|hash_map|identifier|class_params|oblivious_trees|scale_and_bias)\b/;

/** Whether a file's first 256 bytes are those of a model in JSON. */
export function beginsLikeDocument(first: Buffer): boolean {
  const text = first.toString("latin1");
  return JSON_START.test(text) && OWN_START.test(text);
}

/**
 * The model of a `.json` file.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not covered; each names the file and the part
 */
export function documentModel(bytes: Buffer, file: string): CatboostModel {
  if (bytes.length > MOST_BYTES)
    throw uncovered(file, `is JSON of ${bytes.length} bytes, more than 512 MiB: save the model as model.cbm`);
  const document = new DocumentPart(parse(bytes.toString("utf8"), file), file);
  const features = document.at("features_info");
  const categories = features.parts("categorical_features");
  const trees = document.has("oblivious_trees")
    ? obliviousTrees(document.at("oblivious_trees"))
    : nodeTrees(document.at("trees"));
  const [scale, bias] = scaleAndBias(document);
  const info = document.has("model_info") ? document.at("model_info").value : undefined;
  return {
    numbers: features.parts("float_features").map(numberFeature),
    categories: categories.map(featureOf),
    oneHots: categories.flatMap((part) =>
      part.has("values") ? [{ category: part.at("feature_index").integer(), values: part.at("values").numbers() }] : [],
    ),
    statistics: features.parts("ctrs").map(statisticOf),
    tables: document.has("ctr_data") ? tablesOf(document.at("ctr_data"), file) : new Map<string, StatisticTable>(),
    ...trees,
    scale,
    bias,
    info: modelInfo((key) => memberOf(info, key)),
  };
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(file, "is no whole JSON document", { cause });
  }
}

function featureOf(part: DocumentPart): Feature {
  const name = part.has("feature_id") ? part.at("feature_id").text() : "";
  return {
    index: part.at("feature_index").integer(),
    place: part.at("flat_feature_index").integer(),
    name: name === "" && part.has("feature_name") ? part.at("feature_name").text() : name,
  };
}

function numberFeature(part: DocumentPart): NumberFeature {
  const treatment = part.has("nan_value_treatment") ? part.at("nan_value_treatment").text() : "AsIs";
  if (!TREATMENTS.includes(treatment)) throw damaged(part.where, `has ${JSON.stringify(treatment.slice(0, 20))} for what NaN is`);
  return {
    ...featureOf(part),
    borders: part.has("borders") ? part.at("borders").numbers() : [],
    nanIsMost: treatment === "AsTrue" && part.has("has_nans") && part.at("has_nans").value === true,
  };
}

function statisticOf(part: DocumentPart): StatisticFeature {
  const type = statisticType(part.at("ctr_type"));
  const combination = combinationOf(part.at("elements"));
  return {
    type,
    combination,
    table: tableKey(type, combination, 0),
    targetBorder: part.at("target_border_idx").integer(),
    priorNumerator: part.at("prior_numerator").number(),
    priorDenominator: part.at("prior_denomerator").number(),
    shift: part.at("shift").number(),
    scale: part.at("scale").number(),
    borders: part.at("borders").numbers(),
  };
}

function statisticType(part: DocumentPart): StatisticType {
  const name = part.text();
  const type = STATISTIC_TYPES.find((each) => each === name);
  if (type === undefined)
    throw uncovered(part.where, `is ${JSON.stringify(name.slice(0, 64))} (known: ${STATISTIC_TYPES.join(", ")})`);
  return type;
}

function combinationOf(part: DocumentPart): Combination {
  const combination = {
    categories: [] as number[],
    numbers: [] as Combination["numbers"][0][],
    oneHots: [] as Combination["oneHots"][0][],
  };
  for (const element of part.list()) {
    const kind = element.at("combination_element").text();
    if (kind === "cat_feature_value") combination.categories.push(element.at("cat_feature_index").integer());
    else if (kind === "float_feature") {
      combination.numbers.push({
        index: element.at("float_feature_index").integer(),
        border: Math.fround(element.at("border").number()),
      });
    } else if (kind === "cat_feature_exact_value") {
      combination.oneHots.push({ category: element.at("cat_feature_index").integer(), value: element.at("value").integer() });
    } else throw uncovered(element.where, `is ${JSON.stringify(kind.slice(0, 64))}`);
  }
  return combination;
}

function tablesOf(data: DocumentPart, file: string): ReadonlyMap<string, StatisticTable> {
  const tables = new Map<string, StatisticTable>();
  if (data.value === null) return tables;
  for (const [identifier, part] of data.members()) {
    const named = new DocumentPart(parse(identifier, file), `${file}: ctr_data`);
    const type = statisticType(named.at("type"));
    tables.set(tableKey(type, combinationOf(named.at("identifier")), 0), statisticTable(part, type));
  }
  return tables;
}

function statisticTable(part: DocumentPart, type: StatisticType): StatisticTable {
  const isMean = type === "BinarizedTargetMeanValue" || type === "FloatTargetMeanValue";
  const isCount = type === "Counter" || type === "FeatureFreq";
  const size = part.at("hash_stride").integer();
  if (size < 2 || (isMean && size !== 3) || (isCount && size !== 2)) throw damaged(part.where, `has a hash_stride of ${size}`);
  const list = part.at("hash_map");
  const items = list.values();
  if (items.length % size !== 0) throw damaged(list.where, `has ${items.length} numbers, no multiple of ${size}`);
  const most = items.length / size;
  const low = new Int32Array(most);
  const high = new Int32Array(most);
  const values = new Float64Array(most * (size - 1));
  let count = 0;
  for (let at = 0; at < items.length; at += size) {
    const hash = items[at];
    if (typeof hash !== "string" || !/^\d{1,20}$/.test(hash))
      throw damaged(list.where, "has something else where a hash is expected");
    const bits = BigInt(hash);
    if (bits === NO_HASH) continue;
    low[count] = Number(BigInt.asIntN(32, bits));
    high[count] = Number(BigInt.asIntN(32, bits >> 32n));
    for (let i = 1; i < size; i++) {
      const value = items[at + i];
      if (typeof value !== "number") throw damaged(list.where, "has something else where a number is expected");
      values[count * (size - 1) + i - 1] = isMean && i === 1 ? Math.fround(value) : value;
    }
    count++;
  }
  return {
    low: low.slice(0, count),
    high: high.slice(0, count),
    stride: size - 1,
    values: values.slice(0, count * (size - 1)),
    denominator: part.has("counter_denominator") ? part.at("counter_denominator").number() : 0,
  };
}

type Trees = Pick<CatboostModel, "trees" | "dimensions" | "leafValues">;

function obliviousTrees(part: DocumentPart): Trees {
  const splits: number[] = [];
  const depths: number[] = [];
  const leafValues: number[] = [];
  let dimensions = 0;
  for (const tree of part.list()) {
    const levels = tree.parts("splits");
    for (const split of levels) splits.push(split.at("split_index").integer());
    depths.push(levels.length);
    const values = tree.at("leaf_values").numbers();
    // The list may be too long to spread.
    for (let i = 0; i < values.length; i++) leafValues.push(values[i]!);
    const own = values.length / 2 ** levels.length;
    if (dimensions === 0) dimensions = own;
    if (own !== dimensions || own < 1 || !Number.isInteger(own)) {
      throw damaged(
        tree.where,
        `has ${values.length} leaf_values where ${levels.length} splits and ${dimensions} sums a leaf make ${dimensions * 2 ** levels.length}`,
      );
    }
  }
  return { trees: { kind: "oblivious", splits, depths }, dimensions: Math.max(1, dimensions), leafValues };
}

function nodeTrees(part: DocumentPart): Trees {
  const sizes: number[] = [];
  const splits: number[] = [];
  const left: number[] = [];
  const right: number[] = [];
  const leaves: number[] = [];
  const leafValues: number[] = [];
  let dimensions = 0;
  for (const tree of part.list()) {
    const before = splits.length;
    const waiting: { readonly node: DocumentPart; readonly parent: number; readonly side: number[] }[] = [
      { node: tree, parent: -1, side: left },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, parent, side } = next;
      const number = splits.length;
      if (parent >= 0) side[parent] = number - parent;
      left.push(0);
      right.push(0);
      leaves.push(leafValues.length);
      if (node.has("value")) {
        splits.push(0);
        const value = node.at("value");
        const values = typeof value.value === "number" ? [value.value] : value.numbers();
        if (dimensions === 0) dimensions = values.length;
        if (values.length !== dimensions || dimensions === 0)
          throw damaged(value.where, `has ${values.length} numbers where ${dimensions} are expected`);
        for (let i = 0; i < values.length; i++) leafValues.push(values[i]!);
      } else {
        splits.push(node.at("split").at("split_index").integer());
        waiting.push(
          { node: node.at("right"), parent: number, side: right },
          { node: node.at("left"), parent: number, side: left },
        );
      }
    }
    sizes.push(splits.length - before);
  }
  return {
    trees: { kind: "nodes", sizes, splits, left, right, leaves } satisfies NodeModel,
    dimensions: Math.max(1, dimensions),
    leafValues,
  };
}

/** `[scale, [bias, ...]]`, or with a single bias, or neither. */
function scaleAndBias(document: DocumentPart): readonly [number, ArrayLike<number>] {
  if (!document.has("scale_and_bias")) return [1, []];
  const part = document.at("scale_and_bias");
  const list = part.list();
  if (list.length !== 2) throw damaged(part.where, `has ${list.length} parts, not 2`);
  const bias = list[1]!;
  return [list[0]!.number(), typeof bias.value === "number" ? [bias.number()] : bias.numbers()];
}
