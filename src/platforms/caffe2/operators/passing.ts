import type { Translation } from "../call.ts";

const passing: Translation = { translate: (call) => call.first, inputs: "keeps" };
const nothing: Translation = { translate: () => [], note: "computes nothing" };

const PASSING = [
  "Copy",
  "Alias",
  "AliasWithName",
  "StopGradient",
  "EnsureCPUOutput",
  "EnsureDense",
  "CopyGPUToCPU",
  "CopyCPUToGPU",
  "CopyFromCPUInput",
  "NanCheck",
];

/** Operators that give what they get, or nothing. */
export const PASSING_OPERATORS: Readonly<Record<string, Translation>> = {
  ...Object.fromEntries(PASSING.map((name) => [name, passing])),
  ...Object.fromEntries(["Print", "EnforceFinite", "Assert"].map((name) => [name, nothing])),
  Dropout: {
    translate: (call) => {
      if (call.args.flag("is_test")) return call.first;
      throw call.unimplemented("it has no is_test=1, so it leaves out elements at random, as in training");
    },
    inputs: "keeps",
    byproducts: 1,
    note: "with `is_test` only; the mask is no output",
  },
};
