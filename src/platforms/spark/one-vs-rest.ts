import { putClasses } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { readStages } from "./read-stages.ts";
import type { Stage } from "./stage.ts";

/** Most classes, each of which has a model. */
const MOST_CLASSES = 1000;
/** Columns of the models within, which requests do not see. No name of a user's begins so. */
const OWN = "\u0000one-vs-rest ";

/** What compiles a stage that is within another. */
export type CompileStage = (stage: Stage, builder: ProgramBuilder) => Promise<void>;

/** OneVsRestModel: for each class what its model says of the class, and the class of which most is said. */
export async function oneVsRest(stage: Stage, builder: ProgramBuilder, compile: CompileStage): Promise<void> {
  const classes = stage.extraNumber("numClasses");
  if (!Number.isInteger(classes) || classes < 1 || classes > MOST_CLASSES)
    throw stage.uncovered(`numClasses=${classes} is not covered, at most ${MOST_CLASSES}`);
  const features = stage.text("featuresCol", "features");
  const parts: string[] = [];
  const names: string[] = [];
  for (let i = 0; i < classes; i++) {
    const [model, ...others] = await readStages(stage.folder.folder(`model_${i}`));
    if (others.length > 0) throw stage.uncovered("pipelines within it are not covered");
    const raw = `${OWN}${i} raw`;
    const inner = model.with({
      featuresCol: features,
      rawPredictionCol: raw,
      predictionCol: `${OWN}${i} prediction`,
      probabilityCol: "",
    });
    await compile(inner, builder);
    if (!builder.has(raw)) throw stage.uncovered(`models of ${model.name} within it are not covered`);
    const column = builder.vector(inner, raw, 2);
    parts.push(builder.add(column.value, { kind: "spark-select", columns: Int32Array.of(1) }));
    names.push(raw, `${OWN}${i} prediction`);
  }
  builder.remove(names);
  const raw = builder.add(parts, {
    kind: "spark-assemble",
    checked: parts.map(() => false),
    sparse: false,
    what: parts.map(() => ""),
  });
  putClasses(stage, builder, { raw, prediction: builder.link(raw, { kind: "argmax" }), classes });
}
