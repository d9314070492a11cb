import type { Clock } from "../base/clock.ts";
import type { MetricsCatalog } from "./metrics-catalog.ts";
import type { PageStyle } from "./spelling.ts";

/** Pieces of a page up to this many characters go together. */
const JOINED_LENGTH = 65_536;

/** Milliseconds of making a page before other work of the thread has its turn. */
const SLICE_MS = 2;

/**
 * The pages of a catalog, made in slices so that its thread is never held up for long, and one page at a time: whoever asks
 * while pages are being made shares the next one, so that no number of callers makes more work than one.
 */
export class MetricsPages {
  readonly #catalog: MetricsCatalog;
  readonly #clock: Clock;
  readonly #waiting = new Map<PageStyle, Promise<readonly Uint8Array[]>>();
  #making: Promise<unknown> = Promise.resolve();

  constructor(catalog: MetricsCatalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  /** The page as pieces of UTF-8 in shared memory, which pass to another thread without being copied. Read after the call. */
  page(style: PageStyle): Promise<readonly Uint8Array[]> {
    const waiting = this.#waiting.get(style);
    if (waiting !== undefined) return waiting;
    const page = this.#making.then(() => {
      this.#waiting.delete(style);
      return this.#make(style);
    });
    this.#waiting.set(style, page);
    this.#making = page.catch(() => undefined);
    return page;
  }

  async #make(style: PageStyle): Promise<readonly Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    let begun = this.#clock.now();
    let text = "";
    for (const piece of this.#catalog.pieces(style)) {
      text += piece;
      if (text.length >= JOINED_LENGTH) {
        pieces.push(shared(text));
        text = "";
      }
      if (this.#clock.now() - begun < SLICE_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      begun = this.#clock.now();
    }
    if (text !== "") pieces.push(shared(text));
    return pieces;
  }
}

function shared(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
