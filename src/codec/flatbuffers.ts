import { ServingError } from "../base/serving-error.ts";

/** How often as many bytes as there are may be read: tables may be in several places, but not so that a file becomes far larger. */
const MOST_READS = 16;

/** Bytes that FlatBuffers wrote, and how many of them have been read. */
class Source {
  readonly view: DataView;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#left = bytes.byteLength * MOST_READS;
  }

  /** Where some bytes begin that are going to be read. */
  take(at: number, length: number): number {
    if (!(at >= 0 && length >= 0 && at + length <= this.view.byteLength)) throw damaged("points out of its bytes");
    this.#left -= length;
    if (this.#left < 0) throw damaged("has parts that lie in one another");
    return at;
  }

  uint32(at: number): number {
    return this.view.getUint32(this.take(at, 4), true);
  }

  /** What the offset at a place leads to. */
  follow(at: number): number {
    return at + this.uint32(at);
  }
}

/**
 * A table of a FlatBuffers buffer, whose fields are told by their numbers. Nothing is copied but what is asked for; every offset and length
 * is checked. What is not there has the given default, or is undefined.
 *
 * All methods throw a ServingError data-loss for damaged bytes.
 */
export class FlatTable {
  readonly #source: Source;
  readonly #at: number;
  readonly #fields: number;
  readonly #count: number;

  private constructor(source: Source, at: number) {
    this.#source = source;
    this.#at = at;
    this.#fields = at - source.view.getInt32(source.take(at, 4), true);
    const length = source.view.getUint16(source.take(this.#fields, 4), true);
    if (length < 4) throw damaged("has a table without fields");
    source.take(this.#fields, length);
    this.#count = (length - 4) >> 1;
  }

  /** The table that a buffer holds. */
  static root(bytes: Uint8Array): FlatTable {
    const source = new Source(bytes);
    return new FlatTable(source, source.follow(0));
  }

  /** Where the table lies in the buffer: the same for the same table. */
  get position(): number {
    return this.#at;
  }

  bool(field: number, otherwise: boolean): boolean {
    const at = this.#place(field, 1);
    return at === undefined ? otherwise : this.#source.view.getUint8(at) !== 0;
  }

  int8(field: number, otherwise: number): number {
    const at = this.#place(field, 1);
    return at === undefined ? otherwise : this.#source.view.getInt8(at);
  }

  int32(field: number, otherwise: number): number {
    const at = this.#place(field, 4);
    return at === undefined ? otherwise : this.#source.view.getInt32(at, true);
  }

  float32(field: number, otherwise: number): number {
    const at = this.#place(field, 4);
    return at === undefined ? otherwise : this.#source.view.getFloat32(at, true);
  }

  float64(field: number, otherwise: number): number {
    const at = this.#place(field, 8);
    return at === undefined ? otherwise : this.#source.view.getFloat64(at, true);
  }

  /** A text; empty where there is none. */
  text(field: number): string {
    const at = this.#place(field, 4);
    return at === undefined ? "" : this.#textAt(this.#source.follow(at));
  }

  table(field: number): FlatTable | undefined {
    const at = this.#place(field, 4);
    return at === undefined ? undefined : new FlatTable(this.#source, this.#source.follow(at));
  }

  /** A vector of tables; empty where there is none. */
  tables(field: number): readonly FlatTable[] {
    return this.#offsets(field).map((at) => new FlatTable(this.#source, at));
  }

  /** A vector of texts; empty where there is none. */
  texts(field: number): readonly string[] {
    return this.#offsets(field).map((at) => this.#textAt(at));
  }

  /**
   * A vector of numbers, or of structs, as its bytes; empty where there is none.
   * @param itemBytes bytes of a number, or of a struct
   */
  items(field: number, itemBytes: number): DataView {
    const { view } = this.#source;
    const at = this.#place(field, 4);
    if (at === undefined) return new DataView(view.buffer, view.byteOffset, 0);
    const vector = this.#source.follow(at);
    const length = this.#source.uint32(vector) * itemBytes;
    return new DataView(view.buffer, view.byteOffset + this.#source.take(vector + 4, length), length);
  }

  #offsets(field: number): readonly number[] {
    const items = this.items(field, 4);
    const first = items.byteOffset - this.#source.view.byteOffset;
    return Array.from({ length: items.byteLength >> 2 }, (_, i) => first + i * 4 + items.getUint32(i * 4, true));
  }

  #textAt(at: number): string {
    const { view } = this.#source;
    const length = this.#source.uint32(at);
    const start = this.#source.take(at + 4, length);
    return Buffer.from(view.buffer, view.byteOffset + start, length).toString("utf8");
  }

  /** Where a field's value is; undefined where it has its default. */
  #place(field: number, bytes: number): number | undefined {
    if (field >= this.#count) return undefined;
    const offset = this.#source.view.getUint16(this.#fields + 4 + field * 2, true);
    return offset === 0 ? undefined : this.#source.take(this.#at + offset, bytes);
  }
}

function damaged(what: string): ServingError {
  return new ServingError("data-loss", `the FlatBuffers data ${what}`);
}
