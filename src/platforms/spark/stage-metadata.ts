import { ServingError } from "../../base/serving-error.ts";

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What Spark writes of a stage besides its data. */
export interface StageMetadata {
  /** Its class with packages. */
  readonly className: string;
  readonly uid: string;
  /** Major and minor version of the Spark that saved it. */
  readonly version: readonly [number, number];
  /** Parameters, by name: those that were set before the defaults. */
  readonly params: ReadonlyMap<string, Json>;
  /** What stands beside the parameters, such as `numFeatures`. */
  readonly extra: ReadonlyMap<string, Json>;
}

/** Longest name that an error shows. */
const LONGEST_SHOWN = 200;

/**
 * Reads the line of JSON that Spark writes of a stage.
 * @param place the folder of the stage in the model, with a slash behind it, for errors
 * @throws ServingError data-loss; unimplemented, with advice, for models of Spark's former API
 */
export function readStageMetadata(line: string, place: string): StageMetadata {
  const name = `${place}metadata/part-00000`;
  let json: Json;
  try {
    json = JSON.parse(line) as Json;
  } catch (reason) {
    throw new ServingError("data-loss", `${name} is no JSON`, { cause: reason });
  }
  const fields = entriesOf(json);
  const className = fields.get("class");
  if (typeof className !== "string") throw new ServingError("data-loss", `${name} has no class`);
  if (className.startsWith("org.apache.spark.mllib.")) {
    const way = "train it with org.apache.spark.ml, whose models are covered";
    throw new ServingError(
      "unimplemented",
      `${className.slice(0, LONGEST_SHOWN)} is a model of Spark's former API (mllib), which is not covered: ${way}`,
    );
  }
  const [uid, version] = [fields.get("uid"), fields.get("sparkVersion")];
  const found = typeof version === "string" ? /^(\d{1,4})\.(\d{1,4})/.exec(version) : null;
  if (typeof uid !== "string" || found === null) throw new ServingError("data-loss", `${name} has no uid or no sparkVersion`);
  return {
    className,
    uid,
    version: [Number(found[1]), Number(found[2])],
    params: new Map([...entriesOf(fields.get("defaultParamMap")), ...entriesOf(fields.get("paramMap"))]),
    extra: fields,
  };
}

function entriesOf(json: Json | undefined): ReadonlyMap<string, Json> {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? new Map(Object.entries(json)) : new Map();
}
