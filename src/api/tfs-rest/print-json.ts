const encoder = new TextEncoder();

/** A value as TensorFlow Serving prints messages in JSON: one-blank indent, a newline at the end. */
export function printJson(value: object): Uint8Array {
  return encoder.encode(`${JSON.stringify(value, null, 1)}\n`);
}
