import { ServingError } from "../base/serving-error.ts";
import type { ContentReservation } from "../core/basic-manager.ts";
import type { Loader } from "../core/loader.ts";
import { type ServableId, servableKey } from "../core/servable-id.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { Publisher } from "../core/serving-map.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { ServingThreads } from "./serving-threads.ts";

/** What version contents work with. */
export interface VersionContentsParts {
  readonly threads: Pick<ServingThreads, "publish" | "retire" | "replace">;
  /** A loader of what lies at a path. */
  readonly makeLoader: (id: ServableId, path: string) => Loader<SharedModel>;
  /** Whether the manager has the version and its load has not begun. */
  readonly isQueued: (id: ServableId) => boolean;
  /** Sets memory aside for another content of a version, beside what it has. */
  readonly reserve: (id: ServableId, ramBytes: number, signal: AbortSignal) => Promise<ContentReservation>;
  /** Whether a version that serves may be given another content while it does, with both in memory for a while. */
  readonly inPlace: boolean;
  /** Sets another amount of memory aside for a version that is being loaded. @throws ServingError resource-exhausted. */
  readonly resize: (id: ServableId, ramBytes: number) => void;
  /** A version in error is to be had from elsewhere now. */
  readonly onMoved: (id: ServableId) => void;
  /** A version goes on with its old content. */
  readonly onRefused: (id: ServableId, error: ServingError) => void;
}

/** Failed versions whose path is remembered. */
const FAILED_KEPT = 1000;

/**
 * Which files the content of each version comes from. TensorFlow Serving keeps the content of a version although the base
 * path of its model has changed; here the version is given the new content, which is loaded beside the old one and takes its
 * place on every thread between two requests. When the new content cannot be loaded, the old one stays.
 *
 * Stands between the manager and the threads: what the manager publishes and retires is what may be replaced.
 */
export class VersionContents implements Publisher<SharedModel> {
  readonly #parts: VersionContentsParts;
  /** Versions from the beginning of their load to their end. */
  readonly #held = new Map<string, ContentLoader>();
  /** Where versions that wait for their load are wanted from by now. */
  readonly #wanted = new Map<string, string>();
  readonly #failedAt = new Map<string, string>();
  /** One replacement at a time: each takes room for a model more. */
  #replacing: Promise<void> = Promise.resolve();

  constructor(parts: VersionContentsParts) {
    this.#parts = parts;
  }

  /** The loader of a version that is wanted from this path; of one that is loaded from another one, the wish is noted. */
  loader(id: ServableId, path: string): Loader<SharedModel> {
    const key = servableKey(id);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.wanted = path;
      this.#replaceIfWanted(held);
    } else if (this.#parts.isQueued(id)) this.#wanted.set(key, path);
    const failedAt = this.#failedAt.get(key);
    if (failedAt !== undefined && failedAt !== path) this.#parts.onMoved(id);
    return new ContentLoader(id, path, this.#parts.makeLoader, {
      loading: (loader) => this.#hold(key, loader),
      resized: (ramBytes) => this.#parts.resize(id, ramBytes),
      loaded: () => this.#failedAt.delete(key),
    });
  }

  /** Takes note that a version is at END; one that failed may be had from another path. */
  ended({ id, health }: Pick<ServableState, "id" | "health">): void {
    const key = servableKey(id);
    const held = this.#held.get(key);
    this.#wanted.delete(key);
    this.#held.delete(key);
    if (held !== undefined && health !== undefined && health.code !== "cancelled") this.#noteFailure(key, held.path);
  }

  /** Lets contents that could not be loaded be tried once more: of one version, or of all. */
  forgive(id?: ServableId): void {
    const forgiven = id === undefined ? this.#held.values() : [this.#held.get(servableKey(id))];
    for (const held of forgiven) if (held !== undefined) held.refused = undefined;
  }

  /** See {@link Publisher.publish}. */
  async publish(id: ServableId, model: SharedModel): Promise<void> {
    await this.#parts.threads.publish(id, model);
    const held = this.#held.get(servableKey(id));
    if (held === undefined) return;
    held.published = true;
    this.#replaceIfWanted(held);
  }

  /** See {@link Publisher.retire}; a replacement that is under way ends first. */
  async retire(id: ServableId): Promise<void> {
    const held = this.#held.get(servableKey(id));
    if (held !== undefined) {
      held.published = false;
      held.leaving.abort(new ServingError("cancelled", "the version is being unloaded"));
      await held.running;
    }
    await this.#parts.threads.retire(id);
  }

  #hold(key: string, loader: ContentLoader): void {
    loader.wanted = this.#wanted.get(key) ?? loader.path;
    this.#wanted.delete(key);
    this.#held.set(key, loader);
  }

  #noteFailure(key: string, path: string): void {
    this.#failedAt.delete(key);
    this.#failedAt.set(key, path);
    const [oldest] = this.#failedAt.keys();
    if (this.#failedAt.size > FAILED_KEPT) this.#failedAt.delete(oldest!);
  }

  #replaceIfWanted(held: ContentLoader): void {
    const { wanted } = held;
    if (!this.#parts.inPlace || !held.published || held.queued) return;
    if (wanted === held.path || wanted === held.refused) return;
    held.queued = true;
    this.#replacing = this.#replacing.then(async () => {
      held.running = this.#replace(held, held.wanted);
      await held.running;
      held.queued = false;
      this.#replaceIfWanted(held);
    });
  }

  /** Never rejects. */
  async #replace(held: ContentLoader, path: string): Promise<void> {
    const { threads, reserve, makeLoader, onRefused } = this.#parts;
    const { id } = held;
    const { signal } = held.leaving;
    if (signal.aborted || path === held.path) return;
    const next = makeLoader(id, path);
    let room: ContentReservation | undefined;
    let loaded = false;
    try {
      const { ramBytes } = await next.estimate();
      room = await reserve(id, ramBytes, signal);
      const model = await next.load(signal);
      loaded = true;
      signal.throwIfAborted();
      await threads.replace(id, model);
    } catch (reason) {
      if (loaded) await next.unload().catch(() => undefined);
      room?.dropped();
      if (signal.aborted) return;
      held.refused = path;
      onRefused(id, ServingError.from(reason));
      return;
    }
    await held.become(path, next);
    room.taken();
  }
}

/** Told of what happens to a loader. */
interface ContentListener {
  loading(loader: ContentLoader): void;
  resized(ramBytes: number): void;
  loaded(): void;
}

/** Loads a version from where it is wanted when it is loaded, and unloads whatever its content is by then. */
class ContentLoader implements Loader<SharedModel> {
  readonly id: ServableId;
  /** Where the content is from. */
  path: string;
  wanted: string;
  /** Where a content is that could not be loaded in place of this one. */
  refused: string | undefined;
  published = false;
  /** Whether a replacement waits for its turn or is under way; `running` is the last one that was. */
  queued = false;
  running: Promise<void> | undefined;
  readonly #make: VersionContentsParts["makeLoader"];
  readonly #listener: ContentListener;
  // Made when first needed: of all that a poll asks for only those that are new are ever loaded.
  #leaving: AbortController | undefined;
  #made: Loader<SharedModel> | undefined;
  /** Whether the memory set aside is what this content takes. */
  #sized = false;

  constructor(id: ServableId, path: string, make: VersionContentsParts["makeLoader"], listener: ContentListener) {
    this.id = id;
    this.path = path;
    this.wanted = path;
    this.#make = make;
    this.#listener = listener;
  }

  /** Aborted once the version is on its way out. */
  get leaving(): AbortController {
    this.#leaving ??= new AbortController();
    return this.#leaving;
  }

  get #content(): Loader<SharedModel> {
    this.#made ??= this.#make(this.id, this.path);
    return this.#made;
  }

  async estimate(): Promise<{ readonly ramBytes: number }> {
    this.#listener.loading(this);
    this.#follow();
    this.#sized = true;
    return await this.#content.estimate();
  }

  async load(signal: AbortSignal): Promise<SharedModel> {
    if (this.#follow()) this.#sized = false;
    if (!this.#sized) {
      const { ramBytes } = await this.#content.estimate();
      this.#listener.resized(ramBytes);
      this.#sized = true;
    }
    const model = await this.#content.load(signal);
    this.#listener.loaded();
    return model;
  }

  /** Takes another content that is loaded and published, and lets the old one go. */
  async become(path: string, content: Loader<SharedModel>): Promise<void> {
    const old = this.#content;
    this.path = path;
    this.#made = content;
    this.refused = undefined;
    await old.unload().catch(() => undefined);
  }

  async unload(): Promise<void> {
    await this.#content.unload();
  }

  /** Goes to where the content is wanted from; whether that is another place. */
  #follow(): boolean {
    if (this.wanted === this.path) return false;
    this.path = this.wanted;
    this.#made = undefined;
    return true;
  }
}
