// The same rows as a REST body and as a gRPC message.

/** What each benchmark model takes: the width of a row of `x`. */
export const WIDTHS = { simplest: 1, mnist_mlp: 784, matmul_chain: 1 };

/** The path of a gRPC Predict call. */
export const GRPC_PATH = "/tensorflow.serving.PredictionService/Predict";

/** `count` rows of numbers from 0 to 1 with six decimals, always the same. */
export function makeRows(model, count) {
  let state = 12_345;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 32) * 1e6) / 1e6;
  };
  return Array.from({ length: count }, () => Array.from({ length: WIDTHS[model] }, next));
}

/** The path of a REST predict call. */
export function restPath(model) {
  return `/v1/models/${model}:predict`;
}

export function restBody(rows) {
  return Buffer.from(JSON.stringify({ instances: rows }));
}

/** A PredictRequest with the rows as `tensor_content`, behind the five bytes of gRPC's framing. */
export function grpcBody(model, rows) {
  const shape = [rows.length, rows[0].length].map((size) => field(2, varintField(1, size)));
  const content = Buffer.from(Float32Array.from(rows.flat()).buffer);
  const tensor = Buffer.concat([varintField(1, 1), field(2, Buffer.concat(shape)), field(4, content)]);
  const input = Buffer.concat([field(1, Buffer.from("x")), field(2, tensor)]);
  return framed(Buffer.concat([field(1, field(1, Buffer.from(model))), field(2, input)]));
}

/** A PredictRequest of the test model "rounds", behind the five bytes of gRPC's framing: `n` of int64 and `x` of one float. */
export function grpcRoundsBody(count) {
  const scalar = Buffer.concat([varintField(1, 9), field(2, Buffer.alloc(0)), field(10, varint(count))]);
  const one = Buffer.concat([
    varintField(1, 1),
    field(2, field(2, varintField(1, 1))),
    field(5, Buffer.from(Float32Array.of(0.5).buffer)),
  ]);
  const input = (name, tensor) => field(2, Buffer.concat([field(1, Buffer.from(name)), field(2, tensor)]));
  return framed(Buffer.concat([field(1, field(1, Buffer.from("rounds"))), input("n", scalar), input("x", one)]));
}

function framed(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function field(number, bytes) {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varintField(number, value) {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
