import { ServingError } from "../../base/serving-error.ts";
import { type Booster, damaged, type LinearModel, type Tree, type TreeModel } from "./booster.ts";
import type { DocumentPart } from "./document.ts";

const MOST_COLUMNS = 2 ** 31 - 1;
const MOST_TREES = 2 ** 31 - 1;
/** So many sums fit in any row's answer. */
const MOST_GROUPS = 2 ** 20;

/**
 * The model of a JSON or UBJSON document.
 * @throws ServingError data-loss for a damaged document, unimplemented for what is not known here; each names the file and the part
 */
export function boosterOfDocument(document: DocumentPart): Booster {
  const learner = document.at("learner");
  const parameters = learner.at("learner_model_param");
  const classes = parameters.at("num_class").count(0, MOST_GROUPS);
  const targets = parameters.has("num_target") ? parameters.at("num_target").count(0, MOST_GROUPS) : 1;
  return {
    objective: learner.at("objective").at("name").string(),
    columns: parameters.at("num_feature").count(1, MOST_COLUMNS),
    groups: Math.max(classes, targets, 1),
    base: baseOf(parameters.at("base_score")),
    names: learner.has("feature_names") ? learner.at("feature_names").strings() : [],
    attributes: learner.has("attributes") ? learner.at("attributes").texts() : new Map(),
    version: versionOf(document),
    model: modelOf(learner.at("gradient_booster")),
  };
}

/** As others leave it out, its absence is the newest. */
function versionOf(document: DocumentPart): number {
  if (!document.has("version")) return 9999;
  const { 0: major, 1: minor } = document.at("version").numbers();
  // The first version with such files was 1.0.
  return Math.max(major >= 1 ? major * 100 + (minor ?? 0) : 100, 100);
}

/** `5E-1`, or since 3.0 a list of them: `[5E-1,2E0]`. */
function baseOf(part: DocumentPart): readonly number[] {
  const text = part.string();
  const base = text.replace(/^\[|\]$/g, "").split(",");
  if (base.some((each) => each.trim() === "" || !Number.isFinite(Number(each)))) {
    throw damaged(part.where, `is ${JSON.stringify(text.slice(0, 64))} where a number is expected`);
  }
  return base.map(Number);
}

function modelOf(booster: DocumentPart): TreeModel | LinearModel {
  const name = booster.at("name").string();
  switch (name) {
    case "gbtree":
      return treesOf(booster.at("model"));
    case "dart":
      return { ...treesOf(booster.at("gbtree").at("model")), weights: booster.at("weight_drop").numbers() };
    case "gblinear":
      return { kind: "linear", weights: booster.at("model").at("weights").numbers() };
    default:
      throw new ServingError(
        "unimplemented",
        `${booster.where} is ${JSON.stringify(name.slice(0, 64))}, which is not known (known: gbtree, dart, gblinear)`,
      );
  }
}

function treesOf(model: DocumentPart): TreeModel {
  const parameters = model.at("gbtree_model_param");
  // Since 3.4 dropped trees are a gbtree's.
  const weights = model.has("weight_drop") ? model.at("weight_drop").numbers() : [];
  return {
    kind: "trees",
    trees: model.at("trees").list().map(treeOf),
    groups: model.at("tree_info").numbers(),
    parallel: parameters.has("num_parallel_tree") ? Math.max(1, parameters.at("num_parallel_tree").count(0, MOST_TREES)) : 1,
    ...(weights.length > 0 && { weights }),
  };
}

function treeOf(tree: DocumentPart): Tree {
  const parameters = tree.at("tree_param");
  const size = parameters.has("size_leaf_vector") ? parameters.at("size_leaf_vector").count(0, MOST_GROUPS) : 1;
  const left = tree.at("left_children").numbers();
  return {
    left,
    right: tree.at("right_children").numbers(left.length),
    features: tree.at("split_indices").numbers(left.length),
    values: tree.at("split_conditions").numbers(left.length),
    defaultLeft: tree.at("default_left").numbers(left.length),
    categories: categoriesOf(tree, left.length),
    ...(size > 1 && { vectors: tree.at("base_weights").numbers(left.length * size) }),
  };
}

function categoriesOf(tree: DocumentPart, nodes: number): ReadonlyMap<number, ArrayLike<number>> {
  const sets = new Map<number, ArrayLike<number>>();
  // Before 1.3 there were none.
  if (!tree.has("split_type")) return sets;
  const types = tree.at("split_type").numbers(nodes);
  const isCategorical = (node: number) => types[node] === 1;
  if (!Array.from(types).some((type) => type === 1)) return sets;
  const owners = tree.at("categories_nodes").numbers();
  const starts = tree.at("categories_segments").numbers(owners.length);
  const sizes = tree.at("categories_sizes").numbers(owners.length);
  const categories = Float64Array.from(tree.at("categories").numbers());
  let end = 0;
  for (let i = 0; i < owners.length; i++) {
    // One behind the other, as the library writes them: sets that share categories could be far more than the file has.
    if (!(starts[i] >= end && sizes[i] >= 0 && starts[i] + sizes[i] <= categories.length)) {
      throw damaged(
        tree.where,
        `has a set of ${sizes[i]} categories at ${starts[i]} where ${end} to ${categories.length} is expected`,
      );
    }
    end = starts[i] + sizes[i];
    if (isCategorical(owners[i])) sets.set(owners[i], categories.subarray(starts[i], end));
  }
  for (let node = 0; node < nodes; node++) {
    if (isCategorical(node) && !sets.has(node)) throw damaged(tree.where, `has no set of categories for node ${node}`);
  }
  return sets;
}
