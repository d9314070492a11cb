import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import { formatServableId, type ServableId } from "./servable-id.ts";

/** RAM set aside for one version. Every call after {@link Reservation.release} has no effect. */
export interface Reservation {
  readonly id: ServableId;
  readonly ramBytes: number;
  /**
   * Sets another amount aside instead.
   * @throws ServingError resource-exhausted, and keeps what it has, when there is no room for more.
   */
  resize(ramBytes: number): void;
  /** The load has succeeded (or an unload was given up): what is held stays held for now. */
  settled(): void;
  /** An unload has begun: those who wait for room go on waiting for its end. */
  leaving(): void;
  /** Gives the RAM back. */
  release(): void;
}

interface Applicant {
  readonly id: ServableId;
  readonly ramBytes: number;
  readonly outcome: Deferred<Reservation>;
}

/**
 * Shares out a fixed amount of RAM among versions, by what their loaders estimate.
 *
 * A version that does not fit waits while any load or unload is in progress, since its end may make room, and is refused when
 * none is. Those who wait are decided in the order of their coming, so that a large version is not overtaken for ever.
 */
export class ResourceTracker {
  readonly #ramLimitBytes: number | undefined;
  #reservedBytes = 0;
  /** Reservations whose load or unload is in progress. */
  #inProgress = 0;
  readonly #applicants = new Set<Applicant>();

  /** `ramLimitBytes` undefined: no limit. */
  constructor(ramLimitBytes?: number) {
    this.#ramLimitBytes = ramLimitBytes;
  }

  /** The bytes set aside at this moment. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /**
   * Sets RAM aside for a load that begins now; it counts as in progress until the reservation is settled or released.
   *
   * Rejects with RESOURCE_EXHAUSTED `Insufficient resources to load servable {name: M version: V}` when there is no room, at
   * once if there never can be; with the signal's reason if that aborts while waiting.
   */
  async reserve(id: ServableId, ramBytes: number, signal?: AbortSignal): Promise<Reservation> {
    signal?.throwIfAborted();
    if (this.#ramLimitBytes !== undefined && !(ramBytes <= this.#ramLimitBytes)) throw insufficient(id);
    const applicant: Applicant = { id, ramBytes, outcome: deferred() };
    const abort = () => {
      if (!this.#applicants.delete(applicant)) return;
      applicant.outcome.reject(signal!.reason);
      this.#decide();
    };
    signal?.addEventListener("abort", abort);
    this.#applicants.add(applicant);
    this.#decide();
    try {
      return await applicant.outcome.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #decide(): void {
    for (const applicant of this.#applicants) {
      const fits = this.#ramLimitBytes === undefined || this.#reservedBytes + applicant.ramBytes <= this.#ramLimitBytes;
      if (!fits && this.#inProgress > 0) return;
      this.#applicants.delete(applicant);
      if (fits) applicant.outcome.resolve(this.#grant(applicant));
      else applicant.outcome.reject(insufficient(applicant.id));
    }
  }

  #grant({ id, ramBytes }: Applicant): Reservation {
    let phase: "in-progress" | "settled" | "released" = "in-progress";
    let held = ramBytes;
    this.#reservedBytes += held;
    this.#inProgress++;
    const enter = (next: typeof phase) => {
      if (phase === "released" || phase === next) return;
      if (phase === "in-progress") this.#inProgress--;
      if (next === "in-progress") this.#inProgress++;
      if (next === "released") this.#reservedBytes -= held;
      phase = next;
      this.#decide();
    };
    const resize = (bytes: number) => {
      if (phase === "released") return;
      const reserved = this.#reservedBytes - held + bytes;
      if (bytes > held && this.#ramLimitBytes !== undefined && reserved > this.#ramLimitBytes) throw insufficient(id);
      this.#reservedBytes = reserved;
      held = bytes;
      this.#decide();
    };
    return {
      id,
      get ramBytes() {
        return held;
      },
      resize,
      settled: () => enter("settled"),
      leaving: () => enter("in-progress"),
      release: () => enter("released"),
    };
  }
}

function insufficient(id: ServableId): ServingError {
  return new ServingError("resource-exhausted", `Insufficient resources to load servable ${formatServableId(id)}`);
}
