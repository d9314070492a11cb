import { join } from "node:path";
import type { TabularProgram } from "../../../src/model/tabular/tabular-program.ts";
import { readDocument } from "../../../src/platforms/pmml/read-document.ts";
import { TabularServable } from "../../../src/runtimes/tabular/tabular-servable.ts";
import { stringTensor, type Tensor } from "../../../src/tensor/tensor.ts";
import { readCorpus } from "../corpus.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

/** More inputs than documents of this length have; a row of more is not made. */
const MOST_INPUTS = 100;
const NEVER = new AbortController().signal;

const WORDS = [
  "true",
  "missing",
  "0",
  "1",
  "-1",
  "1e308",
  "1e9",
  "NaN",
  "x",
  "y",
  "k",
  "A",
  "low",
  "double",
  "integer",
  "string",
  "boolean",
  "date",
  "dateDaysSince[1960]",
  "continuous",
  "categorical",
  "ordinal",
  "regression",
  "classification",
  "asIs",
  "asMissing",
  "returnInvalid",
  "isMissing",
  "lessThan",
  "equal",
  "modelChain",
  "selectFirst",
  "sum",
  "average",
  "softmax",
  "logit",
  "predictedValue",
  "probability",
  "entityId",
  "defaultChild",
];

/** The reader of PMML documents: what is read has an answer, or an error that is the row's. */
export const pmmlText: FuzzTarget = {
  name: "pmml-text",
  dictionary: [
    ...WORDS,
    "<Extension>",
    "</Extension>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&lt;",
    "&#0;",
    "&l9;",
    "<!DOCTYPE PMML [",
    "<?xml ",
    'value="',
    'field="',
    'name="',
    'dataType="',
    'n="3"',
    "<True/>",
    "<False/>",
    "<Node>",
    "</Node>",
    '<FieldRef field="x"/>',
  ],
  run: readAndAnswer,
};

/** The same by whole elements and attributes: documents that are XML whatever is done to them. */
export const pmmlElements: FuzzTarget = {
  name: "pmml-elements",
  dictionary: [],
  longest: 64,
  // Each is written, read by another's parser and answered twice.
  ordinaryInputs: 8000,
  run(input) {
    const tree = parse(BASES[(input[0] ?? 0) % BASES.length]);
    for (let i = 1; i + 3 < input.length; i += 4) change(tree, input[i] * 256 + input[i + 1], input[i + 2], input[i + 3]);
    return readAndAnswer(Buffer.from(written(tree)));
  },
};

async function readAndAnswer(input: Buffer): Promise<Outcome> {
  let program: TabularProgram;
  try {
    program = await readDocument(input, "model.pmml", NEVER);
  } catch (reason) {
    return refusal(reason);
  }
  return { accepted: true, shape: kindsOf([await answerOf(program)]) };
}

/** What became of a row of usual values, and of one that misses all. */
async function answerOf(program: TabularProgram): Promise<string> {
  const servable = new TabularServable(program);
  const { inputs, outputs } = servable.signatures.get("evaluate")!;
  if (inputs.length > MOST_INPUTS) return "wide";
  const names = outputs.map(({ alias }) => alias);
  const shapes: string[] = [];
  for (const missing of [false, true]) {
    const tensors = new Map(inputs.map(({ alias, dtype, shape }) => [alias, inputOf(alias, dtype, shape?.length ?? 1, missing)]));
    try {
      const answers = await servable.run("evaluate", tensors, names);
      for (const [alias, { shape }] of answers) if (shape[0] !== 1) throw new Error(`${alias} has ${shape[0]} rows`);
      shapes.push(`answers ${Math.min(5, answers.size)}`);
    } catch (reason) {
      shapes.push(refusal(reason).shape);
    }
  }
  return shapes.join(" ");
}

/** Values that documents of the corpus take, by field. */
const VALUES: ReadonlyMap<string, string> = new Map([
  ["col", "red"],
  ["b", "true"],
  ["d", "2020-01-02"],
  ["dt", "2020-01-02T03:04:05"],
  ["o", "mid"],
]);

function inputOf(alias: string, dtype: string, rank: number, missing: boolean): Tensor {
  const shape = rank === 1 ? [1] : [1, 1];
  if (dtype === "string") return stringTensor(shape, [missing ? Uint8Array.of(0xff) : (VALUES.get(alias) ?? "a quick fox")]);
  return { dtype: "float64", shape, data: Float64Array.of(missing ? Number.NaN : 1) };
}

interface Piece {
  readonly name: string;
  readonly attributes: [string, string][];
  readonly children: (Piece | string)[];
}

const BASES = readCorpus(join(import.meta.dirname, "../corpus"), "pmml-text").map(({ bytes }) => bytes.toString());

/** Elements of a text that is known to be plain. */
function parse(text: string): Piece {
  const root: Piece = { name: "", attributes: [], children: [] };
  const open = [root];
  for (const [, close, name, attributes, alone, plain] of text.matchAll(/<(\/?)([\w.:-]+)([^<>]*?)(\/?)>|([^<]+)/g)) {
    if (plain !== undefined) open.at(-1)!.children.push(plain);
    else if (close === "/") open.pop();
    else {
      const pairs = Array.from(attributes.matchAll(/([\w:-]+)="([^"]*)"/g), ([, key, value]): [string, string] => [key, value]);
      const piece: Piece = { name, attributes: pairs, children: [] };
      open.at(-1)!.children.push(piece);
      if (alone !== "/") open.push(piece);
    }
  }
  return root.children.find((child) => typeof child !== "string")!;
}

/** Takes an element away, doubles it, puts it elsewhere, or gives an attribute another value. */
function change(tree: Piece, at: number, what: number, by: number): void {
  const pieces = piecesOf(tree);
  const parents = pieces.filter(({ children }) => children.length > 0);
  if (parents.length === 0) return;
  const piece = pieces[at % pieces.length];
  const parent = parents[at % parents.length];
  const place = by % parent.children.length;
  switch (what % 6) {
    case 0:
      parent.children.splice(place, 1);
      return;
    case 1:
      if (pieces.length < 500) parent.children.push(structuredClone(parent.children[place]));
      return;
    case 2:
      if (pieces.length < 500) piece.children.unshift(structuredClone(pieces[by % pieces.length]));
      return;
    case 3:
      piece.attributes.splice(by % Math.max(1, piece.attributes.length), 1);
      return;
    case 4:
      parent.children.reverse();
      return;
    default: {
      const attribute = piece.attributes[what % Math.max(1, piece.attributes.length)];
      if (attribute !== undefined) attribute[1] = WORDS[by % WORDS.length];
    }
  }
}

function piecesOf(tree: Piece): Piece[] {
  const pieces = [tree];
  for (let i = 0; i < pieces.length; i++)
    for (const child of pieces[i].children) if (typeof child !== "string") pieces.push(child);
  return pieces;
}

function written({ name, attributes, children }: Piece): string {
  const pairs = attributes.map(([key, value]) => ` ${key}="${value}"`).join("");
  return `<${name}${pairs}>${children.map((child) => (typeof child === "string" ? child : written(child))).join("")}</${name}>`;
}
