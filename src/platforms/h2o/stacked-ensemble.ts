import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { levelsAreLimited } from "./limited-levels.ts";
import { MOST_COLUMNS, type Mojo } from "./mojo.ts";
import { damaged, notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";
import { type CompileModel, type ModelDepth, Submodels } from "./submodels.ts";

/** A model of what others answer. */
export async function stackedEnsemble(
  mojo: Mojo,
  rows: string,
  depth: ModelDepth,
  builder: ProgramBuilder,
  compile: CompileModel,
): Promise<Scored> {
  const { settings, where, classes } = mojo;
  const models = new Submodels(mojo, depth);
  const count = settings.count("base_models_num", 1, MOST_COLUMNS);
  const each = classes > 2 ? classes : 1;
  const last = await models.read(settings.text("metalearner"), builder.signal);
  if (last.features !== count * each)
    throw damaged(last.where, `takes ${last.features} columns of ${count * each} that its models answer`);
  const parts: string[] = [];
  let unused: string | undefined;
  for (let i = 0; i < count; i++) {
    if (!settings.has(`base_model${i}`)) {
      // Nothing asks for what such a model would say, but it has its place.
      unused ??= zeros(rows, mojo.features, each, builder);
      parts.push(unused);
      continue;
    }
    const model = await models.read(settings.text(`base_model${i}`), builder.signal);
    const scored = await compile(model, remapped(mojo, model, rows, builder), models.depth);
    parts.push(answerOf(scored, classes, model, builder));
  }
  const transform = settings.text("metalearner_transform", "NONE");
  if (transform !== "NONE" && transform !== "Logit") throw notCovered(where, `the transformation ${transform.slice(0, 40)}`);
  const answers = builder.add(parts, { kind: "concat" });
  const isLogit = transform === "Logit" && classes >= 2;
  const inputs = isLogit ? builder.add(answers, { kind: "h2o-link", link: { kind: "logit" } }) : answers;
  return await compile(last, inputs, models.depth);
}

/** The columns that a model in another one knows by the same names. */
function remapped(mojo: Mojo, model: Mojo, rows: string, builder: ProgramBuilder): string {
  const places = new Map(
    mojo.columns
      .slice(0, mojo.features)
      .map((name, column) => [name, column] as const)
      .reverse(),
  );
  const columns = model.columns.slice(0, model.features).map((name) => {
    const place = places.get(name);
    if (place === undefined)
      throw damaged(model.where, `has a column ${JSON.stringify(name.slice(0, 60))} that the model around it has not`);
    return place;
  });
  const own = builder.add(rows, { kind: "select", columns: sharedIntegers(columns) });
  return levelsAreLimited(
    model,
    columns.map((column) => mojo.domains.get(column)?.length),
    own,
    builder,
  );
}

function answerOf(scored: Scored, classes: number, { where }: Mojo, builder: ProgramBuilder): string {
  if (classes < 2 && scored.kind === "number") return scored.value;
  if (classes >= 2 && scored.kind === "classes" && scored.labels.length === classes) {
    return classes > 2 ? scored.probabilities : builder.add(scored.probabilities, { kind: "select", columns: Int32Array.of(1) });
  }
  throw damaged(where, "answers something else than the model around it");
}

function zeros(rows: string, columns: number, width: number, builder: ProgramBuilder): string {
  return builder.add(rows, {
    kind: "linear",
    weights: sharedFloats(new Float64Array(columns * width)),
    bias: sharedFloats(new Float64Array(width)),
  });
}
