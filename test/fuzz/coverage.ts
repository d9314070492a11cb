import { type Profiler, Session } from "node:inspector";

interface Script {
  readonly everCovered: Uint8Array;
  readonly covered: Uint8Array;
}

/**
 * Which characters of the sources have been executed, asked of V8 (precise coverage by block; asking costs about half a
 * millisecond, so that it is worth doing once for a few hundred inputs).
 */
export class Coverage {
  readonly #session = new Session();
  readonly #scripts = new Map<string, Script>();
  readonly #includes: (url: string) => boolean;

  /** `includes`: which scripts count, by their URL. */
  constructor(includes: (url: string) => boolean) {
    this.#includes = includes;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Adds what was executed since the last call; whether any of it was new. */
  advance(): boolean {
    return this.#take(true);
  }

  /** Whether anything executed since the last call is new, without adding it. */
  isNew(): boolean {
    return this.#take(false);
  }

  close(): void {
    this.#session.disconnect();
  }

  #take(add: boolean): boolean {
    let found = false;
    this.#session.post("Profiler.takePreciseCoverage", (fault, taken) => {
      if (fault !== null) throw fault;
      for (const script of taken.result) if (this.#includes(script.url) && this.#readScript(script, add)) found = true;
    });
    return found;
  }

  #readScript({ scriptId, functions }: Profiler.ScriptCoverage, add: boolean): boolean {
    let known = this.#scripts.get(scriptId);
    if (known === undefined) {
      const size = functions.reduce((most, { ranges }) => Math.max(most, ...ranges.map(({ endOffset }) => endOffset)), 0);
      known = { everCovered: new Uint8Array(size), covered: new Uint8Array(size) };
      this.#scripts.set(scriptId, known);
    }
    const { everCovered, covered } = known;
    covered.fill(0);
    // Outer functions and blocks come before those inside them.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) covered.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    let found = false;
    for (let i = 0; i < covered.length; i++) {
      if (covered[i] === 0 || everCovered[i] === 1) continue;
      found = true;
      if (!add) return true;
      everCovered[i] = 1;
    }
    return found;
  }
}
