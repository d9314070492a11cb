import type { Pointer } from "../native-calls.ts";
import { RunPace } from "../run-pace.ts";
import { graphOperations, graphOutputs, ownWords } from "./graph-outputs.ts";
import type { TensorFlowLibrary } from "./library.ts";

/** Which parts of a graph a run feeds, fetches and only runs, by the graph's names. */
export interface GraphParts {
  readonly feeds: readonly string[];
  readonly fetches: readonly string[];
  readonly targets?: readonly string[];
}

/** A session as every run needs it. */
export interface AttachedGraph {
  readonly library: TensorFlowLibrary;
  readonly session: Pointer;
  readonly graph: Pointer;
  /** Whether the first run of a plan is expected to be long. */
  readonly slow: boolean;
  /** Whether another process runs it, so that every run is waited for on another thread. */
  readonly remote: boolean;
  /** Whether a run may take any time, whatever others took, so that every run is done on another thread. */
  readonly unbounded: boolean;
}

/** Everything about a run that is the same for the next one: TensorFlow finds its executor by these names. */
export class GraphPlan {
  readonly pace: RunPace;
  readonly feeds: number;
  readonly fetches: number;
  readonly targets: number;
  /** `TF_Output`s and `TF_Operation *`s, never written to again. */
  readonly inputs: BigUint64Array;
  readonly outputs: BigUint64Array;
  readonly operations: BigUint64Array;
  /** Where a call on this thread has its tensors; those on other threads have their own. */
  readonly inputValues: BigUint64Array;
  readonly outputValues: BigUint64Array;
  /** How often it was run. */
  runs = 0;

  /** @throws ServingError not-found for a name that the graph does not have. */
  constructor({ library, graph, slow }: AttachedGraph, { feeds, fetches, targets = [] }: GraphParts) {
    this.feeds = feeds.length;
    this.fetches = fetches.length;
    this.targets = targets.length;
    this.inputs = graphOutputs(library, graph, feeds);
    this.outputs = graphOutputs(library, graph, fetches);
    this.operations = graphOperations(library, graph, targets);
    this.inputValues = ownWords(feeds.length);
    this.outputValues = ownWords(fetches.length);
    this.pace = new RunPace(slow);
  }
}
