import type { TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { readDocument } from "../../src/platforms/pmml/read-document.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { MISSING_TEXT } from "../../src/tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../src/tensor/tensor.ts";
import { tensorAnswer } from "./tabular-golden.ts";

/** A row of a request: values by field; null is missing. */
export type PmmlRow = Readonly<Record<string, number | string | boolean | null>>;

const NEVER = new AbortController().signal;

/** A PMML document with these parts in it. */
export function pmmlText(fields: string, model: string, transformations = "", version = "4.4"): string {
  const given = transformations === "" ? "" : `<TransformationDictionary>${transformations}</TransformationDictionary>`;
  const space = `http://www.dmg.org/PMML-${version.replace(".", "_")}`;
  return `<PMML xmlns="${space}" version="${version}"><Header/><DataDictionary>${fields}</DataDictionary>${given}${model}</PMML>`;
}

/** A `<DataField>` of numbers. */
export function numberField(name: string, inner = ""): string {
  return `<DataField name="${name}" optype="continuous" dataType="double">${inner}</DataField>`;
}

/** A mining schema of active fields and a target. */
export function miningSchema(active: readonly string[], target?: string): string {
  const fields = active.map((name) => `<MiningField name="${name}"/>`).join("");
  return `<MiningSchema>${fields}${target === undefined ? "" : `<MiningField name="${target}" usageType="target"/>`}</MiningSchema>`;
}

/** The program of a document's text. */
export function readPmml(text: string): Promise<TabularProgram> {
  return readDocument(Buffer.from(text), "model.pmml", NEVER);
}

/** What a program answers rows, by output; a missing text is null, a missing number NaN. */
export async function answersOf(program: TabularProgram, rows: readonly PmmlRow[]): Promise<Record<string, readonly unknown[]>> {
  const signature = program.signatures.get("evaluate")!;
  const inputs = new Map<string, Tensor>();
  for (const { alias, dtype } of signature.inputs) {
    const values = rows.map((row) => row[alias] ?? null);
    inputs.set(alias, dtype === "string" ? texts(values) : numbers(values));
  }
  const answers = await new TabularServable(program).run(
    "evaluate",
    inputs,
    signature.outputs.map(({ alias }) => alias),
  );
  return Object.fromEntries(Array.from(answers, ([alias, tensor]) => [alias, tensorAnswer(tensor).data]));
}

function texts(values: readonly (number | string | boolean | null)[]): Tensor {
  return stringTensor(
    [values.length],
    values.map((value) => (value === null ? MISSING_TEXT : String(value))),
  );
}

function numbers(values: readonly (number | string | boolean | null)[]): Tensor {
  const data = Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
  return { dtype: "float64", shape: [values.length], data };
}
