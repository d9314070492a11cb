/** Byte classes of RFC 9110, section 5: indexed by byte. */

export const CR = 13;
export const LF = 10;
export const SPACE = 32;
export const TAB = 9;
export const COLON = 58;

/** The lower-case form of a byte that may stand in a token (method, field name); 0 for any other. */
export const TOKEN = new Uint8Array(256);
/** 1 for a byte that may stand in a field value: visible, space, tab, or above ASCII. */
export const FIELD_VALUE = new Uint8Array(256);
/** 1 for a byte that may stand in a request target; `#` begins a fragment, which is never sent. */
export const TARGET = new Uint8Array(256);
/** 1 for a byte that may stand in the name of a host. */
export const REG_NAME = new Uint8Array(256);
/** The value of a hexadecimal digit of either case; -1 for any other byte. */
export const HEX = new Int8Array(256).fill(-1);

for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte);
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character)) TOKEN[byte] = character.toLowerCase().charCodeAt(0);
  if (byte === TAB || (byte >= SPACE && byte !== 127)) FIELD_VALUE[byte] = 1;
  if (byte > SPACE && byte < 127 && character !== "#") TARGET[byte] = 1;
  if (/[A-Za-z0-9\-._~%!$&'()*+;=]/.test(character)) REG_NAME[byte] = 1;
  if (/[0-9A-Fa-f]/.test(character)) HEX[byte] = Number.parseInt(character, 16);
}

/** The bytes of a lower-case name, for {@link sameName}. */
export function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, "latin1");
}

/** Whether the token at `start` is `name`, whatever its case. The token must be as long as the name. */
export function sameName(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (TOKEN[bytes[start + i]!] !== name[i]) return false;
  return true;
}
