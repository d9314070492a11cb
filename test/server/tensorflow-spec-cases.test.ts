import { describe } from "vitest";
import { describeSpecCases } from "../support/spec-cases.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

describe.skipIf(LIBRARY === undefined)(`SavedModels (${NO_LIBRARY})`, () => {
  describeSpecCases({
    folder: ["tensorflow", "cases"],
    platform: "tensorflow",
    flags: [`--tensorflow_library=${LIBRARY}`],
    reason: () => undefined,
  });
});
