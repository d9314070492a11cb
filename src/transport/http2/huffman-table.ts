/**
 * Code length in bits of every octet 0..255 and of EOS (index 256), each as a base-36 digit (RFC 7541 appendix B).
 * The code is canonical: codes count upwards by length, then by symbol, so the lengths say it all.
 */
const CODE_LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";

const END_OF_STRING = 256;
const ROOT = 0;
/** Padding is at most seven bits, all ones (RFC 7541 section 5.2). */
const LONGEST_PADDING = 7;

/** Set in an entry of {@link HUFFMAN_STEPS} that completes a symbol (bits 8..15). */
export const HUFFMAN_EMITS = 0x10000;
/** Set in an entry after which a string may end. */
export const HUFFMAN_MAY_END = 0x20000;
/** The entry of a step that no string may take. */
export const HUFFMAN_FAILS = 0x40000;

/** The code of a symbol: `bits` wide, most significant bit first. */
export interface HuffmanCode {
  readonly code: number;
  readonly bits: number;
}

/** Codes by symbol; index 256 is EOS. */
export const HUFFMAN_CODES: readonly HuffmanCode[] = canonicalCodes();

/**
 * The decoder as a machine that takes four bits at a time: entry `state * 16 + bits` holds the next state in bits 0..7, a
 * completed symbol in bits 8..15 and the flags above. State 0 is the start. No code is shorter than five bits, so that a step
 * completes one symbol at most.
 */
export const HUFFMAN_STEPS: Uint32Array = decoderSteps();

function canonicalCodes(): HuffmanCode[] {
  const lengths = Array.from(CODE_LENGTHS, (digit) => Number.parseInt(digit, 36));
  const codes: HuffmanCode[] = lengths.map((length) => ({ code: 0, bits: length }));
  let code = 0;
  let bits = 0;
  for (const symbol of lengths.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b)) {
    code <<= lengths[symbol]! - bits;
    bits = lengths[symbol]!;
    codes[symbol] = { code, bits };
    code++;
  }
  return codes;
}

function decoderSteps(): Uint32Array {
  // Two children a node; a negative child is a leaf (-1 - symbol), 0 is not made yet.
  const children: [number, number][] = [[0, 0]];
  for (const [symbol, { code, bits }] of HUFFMAN_CODES.entries()) {
    let node = ROOT;
    for (let bit = bits - 1; bit > 0; bit--) {
      const side = (code >>> bit) & 1;
      if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1;
      node = children[node]![side]!;
    }
    children[node]![code & 1] = -1 - symbol;
  }
  const mayEnd = new Set<number>();
  for (let node = ROOT, depth = 0; depth <= LONGEST_PADDING; depth++, node = children[node]![1]) mayEnd.add(node);
  const steps = new Uint32Array(children.length * 16);
  for (let state = 0; state < children.length; state++) {
    for (let four = 0; four < 16; four++) steps[state * 16 + four] = step(children, mayEnd, state, four);
  }
  return steps;
}

function step(children: readonly [number, number][], mayEnd: ReadonlySet<number>, state: number, four: number): number {
  let node = state;
  let entry = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = children[node]![((four >>> bit) & 1) as 0 | 1];
    if (node < 0) {
      const symbol = -1 - node;
      if (symbol === END_OF_STRING) return HUFFMAN_FAILS;
      entry = HUFFMAN_EMITS | (symbol << 8);
      node = ROOT;
    }
  }
  return entry | node | (mayEnd.has(node) ? HUFFMAN_MAY_END : 0);
}
