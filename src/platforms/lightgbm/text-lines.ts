import { ServingError } from "../../base/serving-error.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const EQUALS = 61;
/** Longer ones are no keys of the format. */
const LONGEST_KEY = 32;

/** The lines of a model's text, one at a time. Lines end with LF or CR LF; an unfinished last line is a line too. */
export class TextLines {
  readonly bytes: Buffer;
  /** Where the current line begins and ends, without its line break. */
  start = 0;
  end = 0;
  /** Where the next line begins: how much has been read. */
  position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Goes to the next line; false at the end of the text. */
  next(): boolean {
    if (this.position >= this.bytes.length) return false;
    this.start = this.position;
    const found = this.bytes.indexOf(LINE_FEED, this.start);
    this.end = found === -1 ? this.bytes.length : found;
    this.position = this.end + 1;
    if (this.end > this.start && this.bytes[this.end - 1] === CARRIAGE_RETURN) this.end--;
    return true;
  }

  /** Goes back to where a line began, so that it is the next again. */
  again(): void {
    this.position = this.start;
  }

  get isBlank(): boolean {
    return this.end === this.start;
  }

  startsWith(text: string): boolean {
    return this.end - this.start >= text.length && this.bytes.toString("latin1", this.start, this.start + text.length) === text;
  }

  /** What is before the first `=`, the whole of a line without one; undefined for what is too long to be a key. */
  key(): string | undefined {
    const last = Math.min(this.end, this.start + LONGEST_KEY);
    let end = this.start;
    while (end < last && this.bytes[end] !== EQUALS) end++;
    return end === last && last < this.end ? undefined : this.bytes.toString("latin1", this.start, end);
  }

  /**
   * What is after the first `=`; empty for a line without one.
   * @param key what {@link key} gave
   * @param part what errors call the part of the file
   */
  field(key: string, part: string): Field {
    const start = Math.min(this.start + key.length + 1, this.end);
    return { bytes: this.bytes, start, end: this.end, part, key };
  }
}

/** The value of a key in some part of the file: bytes from `start` to `end`. */
export interface Field {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly part: string;
  readonly key: string;
}

/** How errors call a field: `model.txt, tree 3: leaf_value`. */
export function nameOf({ part, key }: Field): string {
  return `${part}: ${key}`;
}

/** What is wrong with a file. */
export function damaged(where: string, problem: string, options?: ErrorOptions): ServingError {
  return new ServingError("data-loss", `${where} ${problem}; save the model again with booster.save_model("model.txt")`, options);
}
