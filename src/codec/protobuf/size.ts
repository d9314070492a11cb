/** Bytes of an unsigned 32-bit varint: a tag, a length, a uint32. */
export function varint32Size(value: number): number {
  return value >>> 7 === 0 ? 1 : ((38 - Math.clz32(value)) / 7) | 0;
}

/** Bytes of an int32 as a varint: ten for a negative one. */
export function int32Size(value: number): number {
  return value < 0 ? 10 : varint32Size(value);
}

/** Bytes of a 64-bit varint given in halves. */
export function varint64Size(low: number, high: number): number {
  if (high === 0) return varint32Size(low);
  return ((70 - Math.clz32(high)) / 7) | 0;
}

/** Bytes of an int64 or uint64 as a varint. */
export function int64Size(value: bigint): number {
  const near = Number(value);
  if (near >= 0 && near <= Number.MAX_SAFE_INTEGER) return varint64Size(near | 0, (near / 4294967296) | 0);
  return varint64Size(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Bytes of a length-delimited field's value with its length, without the tag. */
export function delimitedSize(length: number): number {
  return varint32Size(length) + length;
}

/** Bytes of a string as UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Size(text: string): number {
  const { length } = text;
  if (length > 64) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return length;
}
