import { ServingError } from "../../base/serving-error.ts";
import type { ModelFolder } from "./model-folder.ts";
import { Stage } from "./stage.ts";
import { readStageMetadata } from "./stage-metadata.ts";

/** Stages of a pipeline and of those within it. */
const MOST_STAGES = 1000;
const MOST_DEPTH = 16;

/** Folders in which models are that do nothing but call the one they found. */
const FOUND_MODELS: ReadonlyMap<string, string> = new Map([
  ["CrossValidatorModel", "bestModel"],
  ["TrainValidationSplitModel", "bestModel"],
  ["RFormulaModel", "pipelineModel"],
]);

/** The stage that a folder is. @throws ServingError data-loss, or unimplemented for models of other libraries */
export async function readStage(folder: ModelFolder): Promise<Stage> {
  const stage = new Stage(readStageMetadata(await folder.metadata(), folder.place), folder);
  refuseOthers(stage);
  return stage;
}

/**
 * The stages in a row that a saved model is: of pipelines, those in them, and of searches the best model. A pipeline's stages are found
 * by looking at what is in its folder.
 *
 * @throws ServingError data-loss for a damaged one; resource-exhausted for too many; unimplemented for models of other libraries
 */
export async function readStages(folder: ModelFolder): Promise<readonly Stage[]> {
  const stages: Stage[] = [];
  const walk = async (at: ModelFolder, depth: number): Promise<void> => {
    if (depth > MOST_DEPTH || stages.length > MOST_STAGES) {
      throw new ServingError("resource-exhausted", `there are more than ${MOST_STAGES} stages, or ${MOST_DEPTH} in one another`);
    }
    const stage = await readStage(at);
    const found = FOUND_MODELS.get(stage.name);
    if (found !== undefined) await walk(at.folder(found), depth + 1);
    else if (stage.name === "PipelineModel") for (const inner of await stageFolders(stage)) await walk(inner, depth + 1);
    else stages.push(stage);
  };
  await walk(folder, 0);
  if (stages.length === 0) throw new ServingError("unimplemented", "PipelineModel: it has no stage that does anything");
  return stages;
}

/** Folders are called by the stage's number, filled up with zeros, and its uid. */
async function stageFolders(pipeline: Stage): Promise<readonly ModelFolder[]> {
  const uids = pipeline.texts("stageUids") ?? [];
  if (uids.length > MOST_STAGES) throw new ServingError("resource-exhausted", `there are more than ${MOST_STAGES} stages`);
  if (uids.length === 0) return [];
  const folder = pipeline.folder.folder("stages");
  const names = new Map<string, string>();
  for (const name of await folder.folders()) {
    const parts = /^0*(\d+)_(.*)$/s.exec(name);
    if (parts !== null) names.set(`${parts[1]}_${parts[2]}`, name);
  }
  return uids.map((uid, i) => {
    const name = names.get(`${i}_${uid}`);
    if (name === undefined) throw new ServingError("data-loss", `${folder.place}${i}_${uid.slice(0, 100)} is not there`);
    return folder.folder(name);
  });
}

/** Libraries with estimators of their own for Spark, by how their classes begin, and what to do instead. */
const OTHERS: readonly (readonly [packages: RegExp, library: string, way: string])[] = [
  [
    /^(?:ml\.dmlc\.xgboost4j\.|xgboost\.spark)/,
    "XGBoost",
    "save the native booster (model.nativeBooster.saveModel, or get_booster().save_model), which is served",
  ],
  [/^com\.microsoft\..*\.?lightgbm\./i, "LightGBM", "save the native booster (model.saveNativeModel), which is served"],
  [/^(?:com\.microsoft\.|synapse\.ml)/, "SynapseML", "leave the stage out, or convert the model to ONNX, which is served"],
  [/^ai\.h2o\./, "H2O", "save the MOJO, which is served"],
];

function refuseOthers({ metadata: { className } }: Stage): void {
  if (/^(?:org\.apache\.spark|pyspark)\.ml\./.test(className)) return;
  const [, library, way] = OTHERS.find(([packages]) => packages.test(className)) ?? [];
  const shown = className.slice(0, 200);
  throw new ServingError(
    "unimplemented",
    library === undefined
      ? `${shown} is no class of Spark's own, and not covered`
      : `${shown} is a model of ${library} for Spark, which is not covered: ${way}`,
  );
}
