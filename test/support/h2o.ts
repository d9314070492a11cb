import type { TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { h2oPlatform } from "../../src/platforms/h2o/h2o-platform.ts";
import type { MojoFiles } from "../../src/platforms/h2o/mojo-files.ts";
import { damaged } from "../../src/platforms/h2o/mojo-files.ts";
import { readXgboost } from "../../src/platforms/xgboost/read-xgboost.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { inputTensor, type TabularAnswer, type TabularTensor, tensorAnswer } from "./tabular-golden.ts";

const NEVER = new AbortController().signal;

/** The program of a MOJO. */
export function readMojoAt(path: string): Promise<TabularProgram> {
  return h2oPlatform(readXgboost).read(path, NEVER);
}

/** A MOJO's files in memory. @param name what errors call it */
export function filesOf(contents: Readonly<Record<string, string | Buffer>>, name = "model.zip"): MojoFiles {
  const files = new Map(Object.entries(contents).map(([file, content]) => [file, Buffer.from(content)]));
  return {
    name,
    bytes: 1000,
    count: files.size,
    has: (file) => files.has(file),
    read: (file) => {
      const bytes = files.get(file);
      return bytes === undefined ? Promise.reject(damaged(name, `has no ${file}`)) : Promise.resolve(bytes);
    },
  };
}

/** A `model.ini` of some settings over those that every model has. */
export function iniOf(
  settings: Readonly<Record<string, string | number>>,
  columns: readonly string[] = ["a"],
  domains: readonly string[] = [],
): string {
  const all = {
    mojo_version: "1.00",
    category: "Regression",
    supervised: "false",
    n_features: columns.length,
    n_classes: 1,
    n_columns: columns.length,
    ...settings,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`);
  return ["[info]", ...lines, "", "[columns]", ...columns, "", "[domains]", ...domains, ""].join("\n");
}

/** The answers of `predict` to some inputs. */
export async function askProgram(
  program: TabularProgram,
  inputs: Readonly<Record<string, TabularTensor>>,
  aliases: readonly string[] = program.signatures.get("predict")!.outputs.map(({ alias }) => alias),
): Promise<ReadonlyMap<string, TabularAnswer>> {
  const tensors = new Map(Object.entries(inputs).map(([alias, tensor]) => [alias, inputTensor(tensor)]));
  const outputs = await new TabularServable(program).run("predict", tensors, aliases);
  return new Map(Array.from(outputs, ([alias, tensor]) => [alias, tensorAnswer(tensor)]));
}
