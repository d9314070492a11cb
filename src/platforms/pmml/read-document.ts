import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { PmmlOperation, PmmlResult } from "../../model/tabular/pmml-operations.ts";
import { isNumberType } from "../../model/tabular/pmml-values.ts";
import type { TabularClasses, TabularInput, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import { readDataDictionary } from "./data-dictionary.ts";
import type { Element } from "./element.ts";
import { declareInput } from "./mining-schema.ts";
import type { ReadModel } from "./model-reading.ts";
import { NodeTable } from "./node-table.ts";
import { readDerived } from "./read-expression.ts";
import { isModel, readOutermost } from "./read-model.ts";
import { asksForEntities } from "./read-outputs.ts";
import { readVerification } from "./read-verification.ts";
import { readXml } from "./read-xml.ts";
import { DocumentFields, Scope } from "./scope.ts";

const SIGNATURE = "evaluate";
/** Models that name a label without a probability. */
const VOTING: ReadonlySet<string> = new Set(["support-vectors", "rule-set"]);
/** Milliseconds that reading goes on before others have their turn. */
const TURN_MS = 10;

/**
 * Makes a program of a document: of the first of its models that is scorable.
 * @param file what errors call the file
 * @throws ServingError data-loss for what is no PMML, unimplemented for what is not covered; each names the file and the element
 */
export async function readDocument(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const root = await readXml(bytes, file, signal);
  checkVersion(root);
  const document = new DocumentFields(readDataDictionary(root), readDerived);
  readTransformations(root, document);
  const element = firstModel(root, file);
  const reading = { nodes: new NodeTable(document, asksForEntities(element)), shares: 0, turn: turns(signal) };
  const scope = new Scope(document);
  const read = await readOutermost(element, scope, reading);
  const bare = document.columns.length === 0;
  if (bare) declareTarget(element, scope);
  if (document.columns.length === 0) throw element.fault("has no field that a request could have");
  return programOf(element, document, read, { nodes: reading.nodes, file, bytes: bytes.length, bare });
}

interface Source {
  readonly nodes: NodeTable;
  readonly file: string;
  readonly bytes: number;
  /** Whether the model takes no field: requests have what it predicts in its place. */
  readonly bare: boolean;
}

function programOf(
  element: Element,
  document: DocumentFields,
  { model, results, shownLabels: labels, checked }: ReadModel,
  { nodes, file, bytes, bare }: Source,
): TabularProgram {
  const inputs = document.columns.map(
    ({ name, texts, lists = false }): TabularInput => ({
      alias: name,
      value: `given ${name}`,
      type: texts ? "texts" : "float64",
      ...(texts && !lists ? { takesNumbers: true } : {}),
      columns: lists ? -1 : 1,
      vector: !lists,
      // Rows have to be counted by something.
      optional: !bare,
    }),
  );
  const unused = document.unasked().map((name): TabularInput => {
    return { alias: name, value: `given ${name}`, type: "float64", columns: 1, vector: true, optional: true, unused: true };
  });
  const all = [...inputs, ...unused];
  const to = results.map(({ name }) => `result ${name}`);
  const scores = "scores";
  const classifies = labels.length > 1 && !VOTING.has(model.kind);
  const verification = readVerification(element, document.columns, results, file);
  const operation: PmmlOperation = {
    kind: "pmml",
    from: inputs.map(({ value }) => value),
    to: classifies ? [...to, scores] : to,
    columns: document.columns,
    checked: Int32Array.from(checked),
    fields: document.fields,
    functions: document.functions,
    nodes: nodes.finish(),
    model,
    results,
    ...(classifies ? { labels } : {}),
    ...(verification && { verification }),
  };
  const answers = results.map((result, i) => answerOf(result, to[i]));
  const number = answers.findIndex(({ alias, dtype, vector }) => alias === model.target?.name && dtype === "float64" && vector);
  const classes: TabularClasses | undefined = classifies
    ? { scores, labels: labels.map((label) => (typeof label === "boolean" ? String(label) : label)) }
    : undefined;
  return {
    runtime: "tabular",
    inputs: all,
    operations: [operation],
    ...tabularSignatures(all, new Map([[SIGNATURE, answers]])),
    ...(classes && { classes }),
    ...(number >= 0 && !classifies ? { regression: to[number] } : {}),
    bytes,
  };
}

function answerOf({ name, type, several }: PmmlResult, value: string): TabularAnswer {
  const dtype =
    type === "boolean" ? "bool" : isNumberType(type) ? "float64" : type === "string" || isTemporal(type) ? "string" : "float64";
  return { alias: name, value, dtype: several && dtype === "bool" ? "string" : dtype, vector: !several, width: -1 };
}

function isTemporal(type: PmmlResult["type"]): boolean {
  return type === "date" || type === "time" || type === "dateTime";
}

/** The version is what the namespace says where the attribute does not. */
function checkVersion(root: Element): void {
  const version =
    root.get("version") ??
    /PMML-(\d)_(\d)/
      .exec(root.get("xmlns") ?? "")
      ?.slice(1)
      .join(".") ??
    "4.4";
  if (!/^[234](?:\.\d+)*$/.test(version.trim())) throw root.refused(`version="${version.slice(0, 20)}"`);
}

function readTransformations(root: Element, document: DocumentFields): void {
  for (const each of root.child("TransformationDictionary")?.children ?? []) {
    if (each.name === "DerivedField") document.derived.set(each.need("name"), each);
    if (each.name === "DefineFunction") document.functionElements.set(each.need("name"), each);
  }
}

function firstModel(root: Element, file: string): Element {
  const models = root.children.filter(({ name }) => isModel(name));
  const model = models.find((each) => each.flag("isScorable", true));
  if (model === undefined) throw new ServingError("data-loss", `${file} has no model that is scorable`);
  return model;
}

/** A model of no field: requests have rows of what it predicts. */
function declareTarget(element: Element, scope: Scope): void {
  const field = element.needChild("MiningSchema").all("MiningField")[0];
  if (field !== undefined) declareInput(field.need("name"), field, scope);
}

function turns(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    throwIfAborted(signal);
    if (performance.now() - last < TURN_MS) return;
    await setImmediate();
    last = performance.now();
  };
}
