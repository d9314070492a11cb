import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import { formatServableId, type ServableId } from "./servable-id.ts";

/** Where versions become visible to requests: one map, or as many as there are serving threads. */
export interface Publisher<T> {
  /**
   * Resolves once every place that answers requests has the version. Called once per load. If it rejects, no place may hand
   * the version out any more and none may be using it: it is unloaded next.
   */
  publish(id: ServableId, servable: T): Promise<void>;
  /**
   * Resolves once no place hands the version out any more and everything in flight on it is answered. Called once per
   * successful publish. Must not reject: a version that could not be retired is never unloaded.
   */
  retire(id: ServableId): Promise<void>;
}

/** Keeps one version from being unloaded while a request uses it. */
export interface ServableHandle<T> {
  readonly id: ServableId;
  readonly servable: T;
  /** Gives the version back; must be called once the request is answered. Further calls have no effect. */
  release(): void;
}

/** A version in service, with the number of handles out. */
class Entry<T> {
  readonly id: ServableId;
  readonly servable: T;
  handles = 0;
  /** Set when the version is retired; resolved when the last handle is back. */
  drained: Deferred<void> | undefined;

  constructor(id: ServableId, servable: T) {
    this.id = id;
    this.servable = servable;
  }
}

class Handle<T> implements ServableHandle<T> {
  readonly id: ServableId;
  readonly servable: T;
  #entry: Entry<T> | undefined;

  constructor(entry: Entry<T>) {
    this.id = entry.id;
    this.servable = entry.servable;
    this.#entry = entry;
    entry.handles++;
  }

  release(): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.#entry = undefined;
    if (--entry.handles === 0) entry.drained?.resolve();
  }
}

/**
 * The versions that requests can be answered with, counting the handles of each by itself: a slow request on one version holds
 * up the retiring of that version and nothing else.
 */
export class ServingMap<T> implements Publisher<T> {
  /** Versions of each name, highest first. */
  readonly #streams = new Map<string, readonly Entry<T>[]>();

  /** A handle on a version, without one on the highest; undefined when it is not served. Costs one small object. */
  acquire(name: string, version?: bigint): ServableHandle<T> | undefined {
    const stream = this.#streams.get(name);
    if (stream === undefined) return undefined;
    if (version === undefined) return new Handle(stream[0]!);
    for (let i = 0; i < stream.length; i++) {
      if (stream[i]!.id.version === version) return new Handle(stream[i]!);
    }
    return undefined;
  }

  /** The versions of a name being served, highest first; empty for an unknown name. */
  versions(name: string): readonly bigint[] {
    return (this.#streams.get(name) ?? []).map(({ id }) => id.version);
  }

  /** The names with a version being served. */
  names(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** Rejects with already-exists when the version is being served. */
  async publish(id: ServableId, servable: T): Promise<void> {
    const stream = this.#streams.get(id.name) ?? [];
    if (stream.some((entry) => entry.id.version === id.version)) {
      throw new ServingError("already-exists", `${formatServableId(id)} is already being served`);
    }
    const entries = [...stream, new Entry(id, servable)];
    this.#streams.set(
      id.name,
      entries.sort((a, b) => (a.id.version < b.id.version ? 1 : -1)),
    );
  }

  /**
   * Puts another servable in the place of a version: who asks from now on gets it. Resolves when the last handle of the old
   * one is back, at once when the version was not served.
   */
  async replace(id: ServableId, servable: T): Promise<void> {
    const stream = this.#streams.get(id.name) ?? [];
    const old = stream.find((entry) => entry.id.version === id.version);
    if (old === undefined) return await this.publish(id, servable);
    const entry = new Entry(id, servable);
    this.#streams.set(
      id.name,
      stream.map((each) => (each === old ? entry : each)),
    );
    if (old.handles === 0) return;
    old.drained = deferred();
    await old.drained.promise;
  }

  /** The version is out of reach when this returns; resolves when its last handle is back, at once for one not served. */
  async retire(id: ServableId): Promise<void> {
    const stream = this.#streams.get(id.name) ?? [];
    const entry = stream.find((candidate) => candidate.id.version === id.version);
    if (entry === undefined) return;
    const rest = stream.filter((candidate) => candidate !== entry);
    if (rest.length === 0) this.#streams.delete(id.name);
    else this.#streams.set(id.name, rest);
    if (entry.handles === 0) return;
    entry.drained = deferred();
    await entry.drained.promise;
  }
}
