import type { ExportedPart } from "./exported-part.ts";
import type { ExportedGraph } from "./exported-program.ts";
import { numberOf } from "./program-json.ts";

/** A whole number that is known, or the name of one that is known when the graph runs. */
export type SymbolicInteger = number | { readonly symbol: string };

/** What is handed to an operation. */
export type Argument =
  | { readonly kind: "tensor"; readonly name: string }
  /** Null for one that is left out. */
  | { readonly kind: "tensors"; readonly names: readonly (string | null)[] }
  | { readonly kind: "number"; readonly value: number; readonly isFloat: boolean }
  | { readonly kind: "numbers"; readonly values: readonly SymbolicInteger[]; readonly isFloat: boolean }
  /** A number that is known when the graph runs. */
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "truth"; readonly value: boolean }
  | { readonly kind: "truths"; readonly values: readonly boolean[] }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "none" }
  /** A number of the schema's types. */
  | { readonly kind: "dtype"; readonly value: number }
  | { readonly kind: "graph"; readonly graph: ExportedGraph }
  /** Where something is and how it lies in memory, which means nothing here. */
  | { readonly kind: "placement" }
  | { readonly kind: "other"; readonly what: string };

/**
 * Reads an argument: an object of one key that tells its kind.
 * @param graphOf reads a graph within; without it there may be none
 * @throws ServingError data-loss
 */
export function argumentOf(part: ExportedPart, graphOf: ((part: ExportedPart) => ExportedGraph) | undefined): Argument {
  const [kind = ""] = part.keys();
  const inner = part.at(kind);
  switch (kind) {
    case "as_tensor":
      return { kind: "tensor", name: inner.at("name").text() };
    case "as_tensors":
      return { kind: "tensors", names: inner.list().map((each) => each.at("name").text()) };
    case "as_optional_tensor":
      return inner.at("as_tensor").isThere ? { kind: "tensor", name: inner.at("as_tensor").at("name").text() } : { kind: "none" };
    case "as_optional_tensors":
      return {
        kind: "tensors",
        names: inner.list().map((each) => (each.at("as_tensor").isThere ? each.at("as_tensor").at("name").text() : null)),
      };
    case "as_none":
      return { kind: "none" };
    case "as_int":
      return { kind: "number", value: wholeOf(inner), isFloat: false };
    case "as_float":
      return { kind: "number", value: floatOf(inner), isFloat: true };
    case "as_ints":
      return { kind: "numbers", values: inner.list().map(wholeOf), isFloat: false };
    case "as_floats":
      return { kind: "numbers", values: inner.list().map(floatOf), isFloat: true };
    case "as_sym_int":
    case "as_sym_float":
    case "as_sym_bool":
      return symbolic(inner);
    case "as_sym_ints":
      return {
        kind: "numbers",
        values: inner
          .list()
          .map((each) => (each.at("as_int").isThere ? wholeOf(each.at("as_int")) : { symbol: each.at("as_name").text() })),
        isFloat: false,
      };
    case "as_bool":
      return { kind: "truth", value: inner.value === true };
    case "as_bools":
      return { kind: "truths", values: inner.list().map(({ value }) => value === true) };
    case "as_string":
      return { kind: "text", value: inner.text() };
    case "as_scalar_type":
      return { kind: "dtype", value: inner.integer() };
    case "as_graph":
      return graphOf === undefined ? { kind: "other", what: kind } : { kind: "graph", graph: graphOf(inner.at("graph")) };
    case "as_device":
    case "as_layout":
    case "as_memory_format":
      return { kind: "placement" };
    default:
      return { kind: "other", what: kind.slice(0, 64) };
  }
}

function symbolic(part: ExportedPart): Argument {
  if (part.at("as_name").isThere) return { kind: "symbol", name: part.at("as_name").text() };
  if (part.at("as_bool").isThere) return { kind: "truth", value: part.at("as_bool").value === true };
  const float = part.at("as_float");
  if (float.isThere) return { kind: "number", value: floatOf(float), isFloat: true };
  return { kind: "number", value: wholeOf(part.at("as_int")), isFloat: false };
}

function floatOf(part: ExportedPart): number {
  const value = numberOf(part.value);
  if (value === undefined) throw part.damaged("is no number");
  return value;
}

/** A whole number; one as large as 64 bits allow, which stands for the end of a dimension, is only about what is written. */
function wholeOf(part: ExportedPart): number {
  if (!Number.isInteger(part.value)) throw part.damaged("is no whole number");
  return part.value as number;
}
