import { DEFAULT_SIGNATURE, PREDICT_METHOD, type Signature, type Signatures, type TensorInfo } from "../../tensor/signature.ts";
import type { TabularInput, TabularOutput, TabularProgram } from "./tabular-program.ts";

/** An output of a method and the columns it has, which count unless it is a vector; -1 when they depend on the request. */
export interface TabularAnswer extends TabularOutput {
  readonly alias: string;
  readonly width: number;
}

/** Columns that a request may name one by one instead of a matrix: with more of them metadata and forms would be of little use. */
const MOST_NAMED_COLUMNS = 1000;

/**
 * Signatures of a tabular program: one for each method, by its name, and the default one, which is the first method's.
 * Inputs may miss values; a matrix whose columns have names may come as those columns.
 *
 * @param methods answers by method, in the order in which they are shown; at least one
 */
export function tabularSignatures(
  inputs: readonly TabularInput[],
  methods: ReadonlyMap<string, readonly TabularAnswer[]>,
): Pick<TabularProgram, "signatures" | "outputs"> {
  const signatures = new Map<string, Signature>();
  const outputs = new Map<string, ReadonlyMap<string, TabularOutput>>();
  const declared = inputs.flatMap(inputInfos);
  const [first] = methods.keys();
  for (const [method, answers] of methods) {
    const signature: Signature = {
      inputs: declared,
      outputs: answers.map(outputInfo),
      methodName: PREDICT_METHOD,
      rowwise: true,
    };
    const values = new Map(answers.map(({ alias, value, dtype, vector }) => [alias, { value, dtype, vector }]));
    for (const name of method === first ? [DEFAULT_SIGNATURE, method] : [method]) {
      signatures.set(name, signature);
      outputs.set(name, values);
    }
  }
  return { signatures: signatures satisfies Signatures, outputs };
}

function inputInfos(input: TabularInput): readonly TensorInfo[] {
  const { alias, type, columns, vector, optional = false, booleanDigits = false, columnNames } = input;
  const dtype = input.dtype ?? (type === "texts" ? "string" : type);
  const shape = vector ? [-1] : [-1, columns];
  const named = namedColumns(columnNames, alias);
  const own: TensorInfo = {
    alias,
    name: alias,
    dtype,
    shape,
    nullable: true,
    ...(booleanDigits ? { booleanDigits } : {}),
    ...(optional || named.length > 0 ? { optional: true } : {}),
  };
  return [
    own,
    ...named.map((name) => ({ alias: name, name, dtype, shape: [-1], nullable: true, optional: true, columnOf: alias })),
  ];
}

/** Names by which columns can be told apart, or none. */
function namedColumns(names: readonly string[] | undefined, alias: string): readonly string[] {
  if (names === undefined || names.length > MOST_NAMED_COLUMNS) return [];
  const distinct = new Set(names);
  return distinct.size === names.length && !distinct.has(alias) && !distinct.has("") ? names : [];
}

function outputInfo({ alias, dtype, vector, width }: TabularAnswer): TensorInfo {
  const info = { alias, name: alias, dtype, shape: vector ? [-1] : [-1, width] };
  return dtype === "string" ? { ...info, nullable: true } : info;
}
