import type { GraphValue } from "../../../graph/graph-value.ts";
import type { OperatorCall } from "../operator-call.ts";

/** A dimension of the new shape: a number, or sizes of the old one multiplied. */
type Part = number | readonly number[];

/**
 * The shape that Reshape's codes ask for: 0 keeps a size, -1 is inferred, -2 keeps all that follow, -3 multiplies two, -4 splits one into
 * the next two numbers. With `reverse` they count from the end.
 * @throws ServingError invalid-argument for codes that do not fit, unimplemented where the input's rank is needed and not known
 */
export function newShape(call: OperatorCall, codes: readonly number[], reverse: boolean): GraphValue | readonly number[] {
  const plain = codes.every(
    (code, i) => code > 0 || code === -1 || (code === 0 && !reverse && codes.slice(0, i).every((each) => each >= -1)),
  );
  // ONNX's own codes then say the same.
  if (plain) return codes;
  return reverse ? reversed(call, codes) : forward(call, codes, false);
}

function reversed(call: OperatorCall, codes: readonly number[]): GraphValue {
  // The two numbers behind a split belong to it.
  const groups: number[][] = [];
  for (let i = 0; i < codes.length; i++) {
    if (codes[i] !== -4) groups.push([codes[i]!]);
    else {
      groups.push([-4, codes[i + 2] ?? 0, codes[i + 1] ?? 0]);
      i += 2;
    }
  }
  return forward(call, groups.reverse().flat(), true);
}

function forward(call: OperatorCall, codes: readonly number[], reverse: boolean): GraphValue {
  const parts: Part[] = [];
  let at = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    switch (code) {
      case 0:
        parts.push([at++]);
        break;
      case -1:
        parts.push(-1);
        at++;
        break;
      case -2:
        for (const rank = call.rank(); at < rank; at++) parts.push([at]);
        break;
      case -3:
        parts.push([at, at + 1]);
        at += 2;
        break;
      case -4: {
        const [first, second] = [codes[i + 1], codes[i + 2]];
        if (first === undefined || second === undefined) throw call.invalid("the code -4 has no two numbers behind it");
        // Which of the two is inferred, the whole shape may leave to -1 as well; both cannot be.
        parts.push(first, second);
        i += 2;
        at++;
        break;
      }
      default:
        if (code < 0) throw call.invalid(`the code ${code} does not exist`);
        parts.push(code);
        at++;
    }
  }
  return resolved(call, parts, reverse);
}

function resolved(call: OperatorCall, parts: readonly Part[], reverse: boolean): GraphValue {
  const rank = reverse ? call.rank() : undefined;
  const old = (axis: number) => {
    if (call.data.rank !== undefined && axis >= call.data.rank)
      throw call.invalid("the codes ask for more dimensions than there are");
    return call.sizeOf(call.data, rank === undefined ? axis : rank - 1 - axis);
  };
  const sizes = parts.map((part) => {
    if (typeof part === "number") return call.integers(part);
    return part.map(old).reduce((a, b) => call.add("Mul", [a, b]));
  });
  return call.join(...(reverse ? sizes.reverse() : sizes));
}
