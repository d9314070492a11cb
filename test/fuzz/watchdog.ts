import { Worker } from "node:worker_threads";

const LARGEST_INPUT = 1 << 16;
const LARGEST_NAME = 64;
const HEADER_BYTES = 12;

/** What the other thread runs. It must not need anything of a thread that hangs: it writes to the file descriptor itself. */
const WATCH = `
const { writeSync } = require("node:fs");
const { workerData: { shared, limitMs } } = require("node:worker_threads");
const state = new Int32Array(shared, 0, 3);
const text = (start, length, coding) => Buffer.from(new Uint8Array(shared, start, length).slice()).toString(coding);
let seen = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(state, 0);
  if (now !== seen || now % 2 === 0) {
    seen = now;
    since = Date.now();
  } else if (Date.now() - since > limitMs) {
    const name = text(${HEADER_BYTES}, state[2], "utf8");
    const input = text(${HEADER_BYTES + LARGEST_NAME}, state[1], "base64");
    writeSync(2, "\\n" + name + " hangs; to repeat: node scripts/fuzz.mjs --target=" + name + " --input=" + input + "\\n");
    process.kill(process.pid, "SIGKILL");
  }
}, 250);
`;

/** Ends the process, and says with which input, when a synchronous parser does not come back: nothing else could. */
export class Watchdog {
  readonly #worker: Worker;
  readonly #state: Int32Array;
  readonly #name: Uint8Array;
  readonly #input: Uint8Array;

  /** `limitMs`: far above what any input may take, since a busy machine must not end a run. */
  constructor(limitMs = 20_000) {
    const shared = new SharedArrayBuffer(HEADER_BYTES + LARGEST_NAME + LARGEST_INPUT);
    this.#state = new Int32Array(shared, 0, 3);
    this.#name = new Uint8Array(shared, HEADER_BYTES, LARGEST_NAME);
    this.#input = new Uint8Array(shared, HEADER_BYTES + LARGEST_NAME);
    this.#worker = new Worker(WATCH, { eval: true, workerData: { shared, limitMs } });
    this.#worker.unref();
  }

  /** The inputs from here on are of this parser. */
  watch(name: string): void {
    this.#state[2] = Math.min(Buffer.byteLength(name), LARGEST_NAME);
    this.#name.set(Buffer.from(name).subarray(0, LARGEST_NAME));
  }

  /** An input is about to be read. */
  begin(input: Uint8Array): void {
    this.#input.set(input.length > LARGEST_INPUT ? input.subarray(0, LARGEST_INPUT) : input);
    this.#state[1] = Math.min(input.length, LARGEST_INPUT);
    Atomics.add(this.#state, 0, 1);
  }

  /** It has been read. */
  end(): void {
    Atomics.add(this.#state, 0, 1);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
