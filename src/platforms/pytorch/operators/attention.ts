import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

/** `softmax(query @ key' * scale + mask) @ value`. */
function attention(call: AtenCall): GraphValue {
  const { dtype } = call;
  if (call.number("dropout_p", 0) !== 0) throw call.refuse("it drops at random: export the model after model.eval()");
  const query = call.tensor("query");
  const shared = call.truth("enable_gqa");
  const key = shared ? repeatedHeads(call, "key") : call.tensor("key");
  const value = shared ? repeatedHeads(call, "value") : call.tensor("value");
  const rank = call.rank("query");
  const scale = call.number("scale", 1 / Math.sqrt(call.fixedSize("query", -1)));
  const order = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  // Both sides are scaled by the root, as the library does, which keeps large numbers small.
  const root = call.scalar(Math.sqrt(Math.abs(scale)) * (scale < 0 ? -1 : 1), dtype);
  const turned = call.add("Mul", [call.transpose(key, order), call.scalar(Math.sqrt(Math.abs(scale)), dtype)]);
  let scores = call.add("MatMul", [call.add("Mul", [query, root]), turned]);
  if (call.truth("is_causal")) scores = call.add("Add", [scores, closed(call, earlier(call, query, key))]);
  const mask = call.optionalTensor("attn_mask");
  if (mask !== undefined) scores = call.add("Add", [scores, mask.dtype === "bool" ? closed(call, mask) : call.cast(mask, dtype)]);
  const shares = call.add("Softmax", [scores], { axis: rank - 1 });
  if (mask === undefined) return call.add("MatMul", [shares, value]);
  // A row that may see nothing gives 0.
  const none = call.add("IsNaN", [shares]);
  return call.add("MatMul", [call.add("Where", [none, call.scalar(0, dtype), shares]), value]);
}

/** 0 where a mask is open, minus infinity where it is not. */
function closed(call: AtenCall, mask: GraphValue): GraphValue {
  return call.add("Where", [mask, call.scalar(0, call.dtype), call.scalar(-Infinity, call.dtype)]);
}

/** Whether each query may see each key: those up to its own place. */
function earlier(call: AtenCall, query: GraphValue, key: GraphValue): GraphValue {
  const [zero, one] = [call.graph.scalar("int64", 0), call.graph.scalar("int64", 1)];
  const rows = call.add("Range", [zero, call.sizeOf(query, -2), one]);
  const columns = call.add("Range", [zero, call.sizeOf(key, -2), one]);
  return call.add("LessOrEqual", [call.unsqueeze(columns, 0), call.unsqueeze(rows, 1)]);
}

/** Heads of keys that several heads of queries share, once for each. */
function repeatedHeads(call: AtenCall, name: string): GraphValue {
  const value = call.tensor(name);
  const rank = call.rank(name);
  const [heads, own] = [call.fixedSize("query", rank - 3), call.fixedSize(name, rank - 3)];
  if (heads === own) return value;
  if (heads % own !== 0) throw call.invalid(`${heads} heads of queries cannot share ${own}`);
  const repeats = Array.from({ length: rank + 1 }, (_, i) => (i === rank - 2 ? heads / own : 1));
  const all = call.add("Tile", [call.unsqueeze(value, rank - 2), call.integers(...repeats)]);
  const sizes = Array.from({ length: rank }, (_, i) => (i === rank - 3 ? heads : call.sizeOf(value, i)));
  return call.reshape(all, sizes);
}

/** Attention. */
export const ATTENTION: readonly OperatorEntry[] = [
  operator("scaled_dot_product_attention", attention),
  operator(
    "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention _scaled_dot_product_flash_attention",
    (call) => {
      call.ignore("return_debug_mask", "compute_log_sumexp");
      return [attention(call)];
    },
    "the first output",
  ),
];
