/** By byte, the remainder of the polynomial that xz uses (ECMA-182, reflected): its high and its low half. */
const HIGH = new Int32Array(256);
const LOW = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let [high, low] = [0, byte];
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry === 1) [high, low] = [high ^ 0xc96c5795, low ^ 0xd7870f42];
  }
  HIGH[byte] = high;
  LOW[byte] = low;
}

/** The CRC-64 of bytes as xz writes it, in two halves. */
export function crc64(bytes: Uint8Array): { readonly high: number; readonly low: number } {
  let [high, low] = [-1, -1];
  for (let i = 0; i < bytes.length; i++) {
    const at = (low ^ bytes[i]) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ LOW[at];
    high = (high >>> 8) ^ HIGH[at];
  }
  return { high: ~high >>> 0, low: ~low >>> 0 };
}
