import type { InstallProgress } from "../provisioning/progress.ts";

/** Where progress is shown: standard error, or what a test brings. */
export interface ProgressStream {
  /** Whether a line can be drawn over. */
  readonly isTTY?: boolean;
  /** Characters in a line of it. */
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;
/** Without a terminal there is a line for each quarter. */
const STEPS = 4;

/** Shows an install's progress: one line with a bar that is drawn anew on a terminal, else a line now and then. */
export class ProgressLine {
  readonly #stream: ProgressStream;
  #step = "";
  #drawn = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  show(progress: InstallProgress): void {
    if (this.#stream.isTTY) {
      this.#drawn = true;
      const line = `${progress.phase} ${progress.what} ${bar(progress)}${amount(progress)}`.trimEnd();
      this.#stream.write(`\r\x1b[K${line.slice(0, Math.max(1, (this.#stream.columns ?? 80) - 1))}`);
      return;
    }
    const step = `${progress.phase} ${progress.what} ${Math.floor(share(progress) * STEPS)}`;
    if (step === this.#step) return;
    this.#step = step;
    this.#stream.write(`${progress.phase} ${progress.what} ${amount(progress)}`.trimEnd());
    this.#stream.write("\n");
  }

  /** Takes the line away, for what is to be written next. */
  end(): void {
    if (this.#drawn) this.#stream.write("\r\x1b[K");
    this.#drawn = false;
  }
}

function share({ bytes, expectedBytes }: InstallProgress): number {
  return expectedBytes ? Math.min(1, bytes / expectedBytes) : 0;
}

function bar(progress: InstallProgress): string {
  if (progress.expectedBytes === undefined) return "";
  const full = Math.floor(share(progress) * BAR_WIDTH);
  return `[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}] `;
}

function amount({ bytes, expectedBytes }: InstallProgress): string {
  if (expectedBytes !== undefined) return `${megabytes(bytes)} of ${megabytes(expectedBytes)} MB`;
  return bytes === 0 ? "" : `${megabytes(bytes)} MB`;
}

/** Millions of bytes, whole from ten on. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
