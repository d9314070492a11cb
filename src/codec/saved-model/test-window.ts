import type { ByteWindow } from "./message-walk.ts";

/** For tests: bytes in memory, of which the reader must say each time what it wants to see. */
export class TestWindow implements ByteWindow {
  readonly size: number;
  /** How often it was moved. */
  moves = 0;
  readonly #bytes: Uint8Array;
  readonly #atHand: number;
  #start = 0;
  #end = 0;

  /** @param atHand how many bytes are at hand at a time; no fewer than the reader asks for at once */
  constructor(bytes: Uint8Array, atHand = 64 * 1024) {
    // Not a Buffer, whose slices are no copies.
    this.#bytes = new Uint8Array(bytes);
    this.#atHand = atHand;
    this.size = bytes.length;
  }

  holds(position: number, count: number): boolean {
    return position >= this.#start && Math.min(position + count, this.size) <= this.#end;
  }

  async move(position: number): Promise<void> {
    if (position > this.size) throw new RangeError("beyond the end of the bytes");
    this.moves++;
    this.#start = position;
    this.#end = Math.min(position + this.#atHand, this.size);
  }

  at(position: number): number {
    return this.slice(position, position + 1)[0]!;
  }

  slice(start: number, end: number): Uint8Array {
    if (start < this.#start || end > this.#end) throw new RangeError(`bytes ${start} to ${end} are not at hand`);
    return this.#bytes.slice(start, end);
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    if (start < 0 || end > this.size) throw new RangeError(`there are no bytes ${start} to ${end}`);
    return this.#bytes.slice(start, end);
  }
}
