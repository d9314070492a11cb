/**
 * An ONNX model of a given number of weights: it gathers the weights at the indices `i`. Written field by field of onnx.proto, so
 * that no large file needs to be kept.
 */
export function gatherModel(weights: number): Buffer {
  const FLOAT = 1;
  const INT64 = 7;
  const tensorType = (type: number) => bytes(2, bytes(1, number(1, type), bytes(2, bytes(1, text(2, "N")))));
  const node = bytes(1, text(1, "w"), text(1, "i"), text(2, "y"), text(4, "Gather"));
  const initializer = bytes(5, number(1, weights), number(2, FLOAT), text(8, "w"), bytes(9, Buffer.alloc(4 * weights)));
  const input = bytes(11, text(1, "i"), tensorType(INT64));
  const output = bytes(12, text(1, "y"), tensorType(FLOAT));
  return Buffer.concat([number(1, 9), bytes(7, node, text(2, "gather"), initializer, input, output), bytes(8, number(2, 17))]);
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return Buffer.from([...out, rest]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}
