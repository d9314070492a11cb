import type { RuleGroup } from "../../model/tabular/h2o-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { classLabels, MOST_COLUMNS, type Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";
import { type CompileModel, type ModelDepth, Submodels } from "./submodels.ts";

const MOST_RULES = 1_000_000;
const LINEAR = 0;
const RULES_AND_LINEAR = 1;

/** A linear model of the rules that hold, and of the row itself. */
export async function ruleFit(
  mojo: Mojo,
  rows: string,
  depth: ModelDepth,
  builder: ProgramBuilder,
  compile: CompileModel,
): Promise<Scored> {
  const { settings, where, features } = mojo;
  const models = new Submodels(mojo, depth);
  const linear = await models.read(settings.text("linear_model"), builder.signal);
  const type = settings.count("model_type", 0, 2);
  const parts: string[] = [];
  let width = 0;
  if (type !== LINEAR) {
    const groups = await ruleGroups(mojo, linear, builder);
    parts.push(builder.add(rows, { kind: "rule-levels", groups }));
    width += groups.length;
  }
  if (type === LINEAR || type === RULES_AND_LINEAR) {
    parts.push(rows);
    width += features;
  }
  const values = parts.length === 1 ? parts[0]! : builder.add(parts, { kind: "concat" });
  if (settings.count("linear_names_len", 0, MOST_COLUMNS) < linear.features || linear.features > width) {
    throw damaged(where, `has ${width} columns of rules where its linear model takes ${linear.features}`);
  }
  const columns = new Int32Array(linear.features).fill(-1);
  for (let i = 0; i < linear.features; i++) {
    const place = linear.columns.indexOf(settings.text(`linear_names_${i}`));
    if (place < 0 || place >= linear.features) throw damaged(where, `has a column ${i} that its linear model has not`);
    columns[place] = i;
  }
  if (columns.includes(-1)) throw damaged(where, "has not all columns of its linear model");
  const scored = await compile(linear, builder.add(values, { kind: "select", columns: sharedIntegers(columns) }), models.depth);
  return scored.kind === "classes" ? { ...scored, labels: classLabels(mojo) } : scored;
}

/** The rules of each depth and tree, and of each class where there are more than two. */
async function ruleGroups(mojo: Mojo, linear: Mojo, builder: ProgramBuilder): Promise<readonly RuleGroup[]> {
  const { settings, classes, category, where } = mojo;
  const depth = settings.count("depth", 0, MOST_COLUMNS);
  const trees = settings.count("ntrees", 0, MOST_COLUMNS);
  const labels = category === "Multinomial" && classes > 2 ? classLabels(mojo) : undefined;
  const groups: RuleGroup[] = [];
  let all = 0;
  for (let level = 0; level < depth; level++) {
    for (let tree = 0; tree < trees; tree++) {
      const count = settings.count(`num_rules_M${level}T${tree}`, 0, MOST_RULES);
      all += count + 1;
      if (all > MOST_RULES) throw damaged(where, `has more than ${MOST_RULES} rules`);
      const rules = Array.from({ length: count }, (_, i) => `${level}_${tree}_${i}`);
      if (labels === undefined) groups.push(groupOf(mojo, linear, rules, ""));
      else {
        for (const [index, label] of labels.entries()) {
          const own = rules.filter((rule) => settings.text(`var_name_rule_id_${rule}`).endsWith(label));
          groups.push(groupOf(mojo, linear, own, `C${index}`));
        }
      }
      await builder.turn(count * 1000);
    }
  }
  return groups;
}

function groupOf(mojo: Mojo, linear: Mojo, rules: readonly string[], suffix: string): RuleGroup {
  const { settings, features } = mojo;
  const values: number[] = [];
  const starts = [0];
  const [columns, takesMissing, thresholds]: [number[], number[], number[]] = [[], [], []];
  const tests: RuleGroup["tests"][number][] = [];
  const levels: Float64Array[] = [];
  for (const rule of rules) {
    values.push(levelOf(linear, settings.text(`var_name_rule_id_${rule}`), suffix));
    const conditions = settings.count(`num_conditions_rule_id_${rule}`, 0, MOST_RULES);
    for (let i = 0; i < conditions; i++) {
      const id = `${i}_${rule}`;
      columns.push(settings.count(`feature_index_${id}`, 0, features - 1));
      takesMissing.push(settings.flag(`nas_included_${id}`) ? 1 : 0);
      const isNumber = settings.number(`type_${id}`) !== 0;
      const operator = settings.number(`operator_${id}`);
      tests.push(!isNumber ? "in" : operator === 0 ? "below" : operator === 1 ? "from" : "never");
      thresholds.push(isNumber ? settings.number(`num_treshold${id}`) : Number.NaN);
      levels.push(isNumber ? new Float64Array(0) : levelsOf(mojo, id));
    }
    starts.push(columns.length);
  }
  return {
    values: sharedFloats(values),
    starts: sharedIntegers(starts),
    columns: sharedIntegers(columns),
    takesMissing: Uint8Array.from(takesMissing),
    tests,
    thresholds: sharedFloats(thresholds),
    levels,
  };
}

/** The format spells it so. */
function levelsOf({ settings }: Mojo, id: string): Float64Array {
  const count = settings.count(`cat_treshold_length_${id}`, 0, MOST_COLUMNS);
  const levels: number[] = [];
  for (let i = 0; i < count; i++) levels.push(settings.number(`cat_treshold_length_${i}_${id}`));
  return sharedFloats(levels);
}

/** The level that a rule is of the linear model's column of its tree: NaN when it has none. */
function levelOf({ columns, domains, where }: Mojo, rule: string, suffix: string): number {
  const end = rule.indexOf("N");
  const name = (end < 0 ? rule : rule.slice(0, end)) + suffix;
  const column = columns.indexOf(name);
  if (column < 0) throw damaged(where, `has no column ${JSON.stringify(name.slice(0, 60))}`);
  const level = domains.get(column)?.indexOf(rule) ?? -1;
  return level < 0 ? Number.NaN : level;
}
