/** Operations that repeat others as often as a value says, call out of the graph, or wait for a file system. */
const UNBOUNDED: ReadonlySet<string> = new Set([
  "While",
  "StatelessWhile",
  "For",
  "LoopCond",
  "Enter",
  "RefEnter",
  "NextIteration",
  "RefNextIteration",
  "MapDefun",
  "ReduceDataset",
  "PyFunc",
  "PyFuncStateless",
  "EagerPyFunc",
  "ReadFile",
  "RemoteCall",
]);

/**
 * Whether a run of a graph with these operations may take any time at all, whatever others took and however few its elements are. Such a run
 * must not be done on a serving thread, where nothing could end it.
 */
export function isUnbounded(opTypes: readonly string[]): boolean {
  return opTypes.some((op) => UNBOUNDED.has(op));
}
