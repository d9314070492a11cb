import koffi from "koffi";
import { prepareNativeCalls } from "../../base/native-calls.ts";

/** What one place of the table holds when it is free; else the descriptor plus one. */
const FREE = 0;

/**
 * The descriptors that a thread owns outside Node's knowledge, in memory that another thread sees: Node closes what it knows of when
 * a thread dies, and nobody but the thread that started it could close these.
 */
export class DescriptorTable {
  readonly shared: SharedArrayBuffer;
  readonly #places: Int32Array;
  readonly #placeOf = new Map<number, number>();
  readonly #freed: number[] = [];
  #used = 0;

  /** `shared`: a table's {@link shared} memory, or how many descriptors a new one holds. */
  constructor(shared: SharedArrayBuffer | number) {
    this.shared = typeof shared === "number" ? new SharedArrayBuffer(shared * Int32Array.BYTES_PER_ELEMENT) : shared;
    this.#places = new Int32Array(this.shared);
  }

  /** Notes a descriptor as owned; false when the table is full. */
  add(fd: number): boolean {
    const place = this.#freed.pop() ?? this.#used;
    if (place === this.#places.length) return false;
    if (place === this.#used) this.#used++;
    this.#places[place] = fd + 1;
    this.#placeOf.set(fd, place);
    return true;
  }

  /** To be called before the descriptor is closed: afterwards the number may be somebody else's. */
  delete(fd: number): void {
    const place = this.#placeOf.get(fd);
    if (place === undefined) return;
    this.#placeOf.delete(fd);
    this.#places[place] = FREE;
    this.#freed.push(place);
  }

  /** Closes what a thread that is gone has left open. */
  closeAll(): void {
    const left = this.#places.filter((noted) => noted !== FREE);
    if (left.length === 0) return;
    prepareNativeCalls();
    const close = koffi.load(null).func("int close(int)");
    for (const noted of left) close(noted - 1);
    this.#places.fill(FREE);
  }
}
