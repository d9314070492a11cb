import type { ModelFileKind } from "../find-model-file.ts";
import { beginsLikePmml } from "./read-xml.ts";

/** PMML documents: their first bytes decide, and comments may come before the root. */
export const PMML_FILE: ModelFileKind = {
  extensions: [".pmml", ".xml"],
  usual: ["model.pmml", "model.xml"],
  fits: beginsLikePmml,
  bytes: 4096,
  one: "a PMML document",
  several: "PMML documents",
  choices: "PMML documents",
};
