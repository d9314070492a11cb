import type { Element } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readNumberArray } from "../read-array.ts";
import type { ReadSegmentModel } from "./mining.ts";

/** Euler's constant, for the mean length of paths. */
const EULER = 0.577_215_664_901_532_9;

/** An `<AnomalyDetectionModel>`: what its inner model answers, as a score. */
export async function readAnomaly(
  { element, scope }: ModelSource,
  readModel: ReadSegmentModel,
  isModel: (name: string) => boolean,
): Promise<ReadBody> {
  const algorithm = element.choice("algorithmType", ["iforest", "ocsvm", "clusterMeanDist"]);
  const inner = element.children.find(({ name }) => isModel(name));
  if (inner === undefined) throw element.fault("has no model");
  const { model } = await readModel(inner, scope, new Map());
  if (algorithm === "iforest") {
    return { body: { kind: "anomaly", score: { kind: "path-length", mean: meanPath(element) }, of: model } };
  }
  if (algorithm === "ocsvm") return { body: { kind: "anomaly", score: { kind: "as-is" }, of: model } };
  if (model.kind !== "clustering") throw inner.fault("is no <ClusteringModel>");
  const distances = Array.from(readNumberArray(element.needChild("MeanClusterDistances"), model.clusters.length));
  return { body: { kind: "anomaly", score: { kind: "cluster-distance", means: distances }, of: model } };
}

/** The mean length of an unsuccessful search in a tree of a sample. */
function meanPath(element: Element): number {
  const size = element.integer("sampleDataSize", 2, Number.MAX_SAFE_INTEGER);
  return size === 2 ? 1 : 2 * (Math.log(size - 1) + EULER) - (2 * (size - 1)) / size;
}
