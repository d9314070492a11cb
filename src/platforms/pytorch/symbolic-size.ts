import type { Size } from "../../graph/graph-value.ts";
import type { ExportedPart } from "./exported-part.ts";

const SYMBOL = /^(?:Symbol\('(\w+)'(?:, \w+=\w+)*\)|([A-Za-z_]\w*))$/;

/**
 * A size as torch.export writes it: a number, or an expression of symbols. One symbol is a name of its own; of anything more only that it is
 * not fixed is kept.
 * @throws ServingError data-loss for what is neither
 */
export function sizeOf(part: ExportedPart): Size {
  const whole = part.at("as_int");
  if (whole.isThere) {
    const size = whole.integer();
    if (size < 0) throw whole.damaged("is below 0");
    return size;
  }
  const text = part.at("as_expr").at("expr_str").text();
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const [, quoted, bare] = SYMBOL.exec(text) ?? [];
  return quoted ?? bare;
}
