import { PickleObject, type PickleValue } from "./pickle-value.ts";

/**
 * The bytes that a value is: as they are, or how pickles of old protocols and of Python 2 have them, `bytearray` among them; undefined for
 * anything else.
 */
export function pickleBytes(value: PickleValue | undefined): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Buffer.from(value, "latin1");
  if (!(value instanceof PickleObject) || !Array.isArray(value.args)) return undefined;
  const [first, encoding] = value.args;
  switch (value.type.full) {
    case "_codecs.encode":
      return typeof first === "string" && isLatin1(encoding) ? Buffer.from(first, "latin1") : undefined;
    case "builtins.bytearray":
    case "builtins.bytes":
      if (first === undefined) return new Uint8Array(0);
      if (typeof first === "string") return isLatin1(encoding) ? Buffer.from(first, "latin1") : undefined;
      // Bytes of old protocols within a bytearray are not nested further.
      return first instanceof PickleObject && first.type.full !== "_codecs.encode" ? undefined : pickleBytes(first);
    default:
      return undefined;
  }
}

function isLatin1(encoding: PickleValue | undefined): boolean {
  return encoding === "latin1" || encoding === "latin-1";
}
