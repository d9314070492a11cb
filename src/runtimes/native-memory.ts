import koffi from "koffi";
import { ServingError } from "../base/serving-error.ts";
import type { Pointer } from "./native-calls.ts";

/** ONNX Runtime's kernels read whole vector registers; this is also a cache line. */
const ALIGNMENT = 64;

/** A piece of {@link NativeMemory}. */
export interface MemoryPiece {
  readonly offset: number;
  readonly address: Pointer;
}

/** Bytes that a piece of `bytes` takes, padding included; a piece is never empty, so that its address is good. */
export function pieceSize(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}

/**
 * Memory at a fixed address that native code may keep pointers into, for as long as this object is reachable.
 * An ArrayBuffer of its own: small typed arrays live on the JavaScript heap, where they move.
 */
export class NativeMemory {
  readonly buffer: ArrayBuffer;
  readonly #address: Pointer;
  #next: number;

  /**
   * Makes room for pieces of these sizes in sum, each rounded up by {@link pieceSize}. Zeroed.
   * @throws ServingError resource-exhausted when there is none.
   */
  constructor(bytes: number) {
    try {
      this.buffer = new ArrayBuffer(bytes + ALIGNMENT);
    } catch (cause) {
      throw new ServingError("resource-exhausted", `no room for tensors of ${bytes} bytes`, { cause });
    }
    this.#address = koffi.address(this.buffer);
    this.#next = Number((BigInt(ALIGNMENT) - (this.#address % BigInt(ALIGNMENT))) % BigInt(ALIGNMENT));
  }

  /** The next piece. */
  take(bytes: number): MemoryPiece {
    const offset = this.#next;
    this.#next += pieceSize(bytes);
    return { offset, address: this.#address + BigInt(offset) };
  }

  /** The next piece as an array of `count` pointers or 64-bit sizes. */
  takeWords(count: number): { readonly words: BigUint64Array; readonly address: Pointer } {
    const { offset, address } = this.take(count * 8);
    return { words: new BigUint64Array(this.buffer, offset, count), address };
  }
}
