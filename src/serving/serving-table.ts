import { ServingError } from "../base/serving-error.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import { type ServableId, servableKey } from "../core/servable-id.ts";
import { type ServableHandle, ServingMap } from "../core/serving-map.ts";
import type { CallFigures } from "../metrics/version-figures.ts";
import type { Servable } from "../model/servable.ts";
import type { VersionAbout } from "../model/version-about.ts";
import { drawVersion, NO_TRAFFIC_SPLITS, type Share, sharesOf, type TrafficSplits } from "./traffic-split.ts";
import type { VersionStatus } from "./version-status.ts";

/**
 * What one serving thread knows of the models: the versions it may run, labels, and the state of every version ever
 * seen. The control thread keeps it up to date; requests only read it.
 */
export class ServingTable {
  readonly servables = new ServingMap<Servable>();
  #labels: ReadonlyMap<string, ReadonlyMap<string, bigint>> = new Map();
  readonly #statuses = new Map<string, readonly VersionStatus[]>();
  readonly #abouts = new Map<string, VersionAbout>();
  readonly #figures = new WeakMap<Servable, CallFigures>();
  readonly #random: () => number;
  /** Of the models whose traffic is split; undefined when there is none, which costs a request one look. */
  #shares: ReadonlyMap<string, readonly Share[]> | undefined;

  /** `random`: numbers from 0 up to but not including 1, for traffic splits. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Replaces the labels of every model (model name to label to version), and how requests that name no version are split. */
  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>, splits: TrafficSplits = NO_TRAFFIC_SPLITS): void {
    this.#labels = labels;
    this.#shares =
      splits.size === 0
        ? undefined
        : new Map([...splits].map(([model, split]) => [model, sharesOf(split, labels.get(model))] as const));
  }

  /** Replaces what is known of a model's versions, lowest version first. */
  setStatuses(model: string, statuses: readonly VersionStatus[]): void {
    this.#statuses.set(model, statuses);
  }

  /** Replaces what is known of a published version; undefined once it is retired. */
  setAbout(id: ServableId, about: VersionAbout | undefined): void {
    if (about === undefined) this.#abouts.delete(servableKey(id));
    else this.#abouts.set(servableKey(id), about);
  }

  /** What is known of a published version; undefined for another. */
  about(id: ServableId): VersionAbout | undefined {
    return this.#abouts.get(servableKey(id));
  }

  /** Where the calls of a servable are counted from now on. */
  setFigures(servable: Servable, figures: CallFigures): void {
    this.#figures.set(servable, figures);
  }

  /** Where the calls of a servable are counted; undefined where they are not. */
  figures(servable: Servable): CallFigures | undefined {
    return this.#figures.get(servable);
  }

  /** The names of all models that a version was ever seen of, in alphabetical order. */
  models(): readonly string[] {
    return [...this.#statuses.keys()].sort();
  }

  /** A model's labels and the versions they stand for. */
  labels(model: string): ReadonlyMap<string, bigint> {
    return this.#labels.get(model) ?? new Map();
  }

  /**
   * Pins the version a request means: the labelled one, the numbered one, else one drawn by the model's traffic split, else
   * the highest available. The caller releases the handle in the function that took it.
   * @throws ServingError invalid-argument without a name or for an unknown label; not-found when it is not being served.
   */
  acquire(spec: ModelSpec): ServableHandle<Servable> {
    if (spec.name === "") throw new ServingError("invalid-argument", "ModelSpec has no name specified.");
    const version = spec.versionLabel === undefined ? spec.version : this.#labelled(spec.name, spec.versionLabel);
    if (version === undefined && this.#shares !== undefined) {
      const drawn = this.#draw(spec.name, this.#shares.get(spec.name));
      if (drawn !== undefined) return drawn;
    }
    const handle = this.servables.acquire(spec.name, version);
    if (handle !== undefined) return handle;
    const asked = version === undefined ? `Latest(${spec.name})` : `Specific(${spec.name}, ${version})`;
    throw new ServingError("not-found", `Servable not found for request: ${asked}`);
  }

  /**
   * States of a model's versions, lowest first, or of the one asked for.
   * @throws ServingError not-found when there is none.
   */
  statuses(model: string, version?: bigint): readonly VersionStatus[] {
    const all = this.#statuses.get(model) ?? [];
    if (version === undefined) {
      if (all.length === 0) throw new ServingError("not-found", `Could not find any versions of model ${model}`);
      return all;
    }
    const one = all.filter((status) => status.version === version);
    if (one.length === 0) throw new ServingError("not-found", `Could not find version ${version} of model ${model}`);
    return one;
  }

  /** Whether any version of the model is available; undefined for a name never seen. */
  isServing(model: string): boolean | undefined {
    return this.#statuses.get(model)?.some((status) => status.state === "AVAILABLE");
  }

  /** A version that is not served is left out of the draw; undefined when none is served. */
  #draw(model: string, shares: readonly Share[] | undefined): ServableHandle<Servable> | undefined {
    if (shares === undefined) return undefined;
    const drawn = drawVersion(shares, this.#random());
    if (drawn === undefined) return undefined;
    const handle = this.servables.acquire(model, drawn);
    if (handle !== undefined) return handle;
    const served = this.servables.versions(model);
    const left = drawVersion(
      shares.filter(({ version }) => served.includes(version)),
      this.#random(),
    );
    return left === undefined ? undefined : this.servables.acquire(model, left);
  }

  #labelled(model: string, label: string): bigint {
    const version = this.#labels.get(model)?.get(label);
    if (version === undefined) throw new ServingError("invalid-argument", `Unrecognized servable version label: ${label}`);
    return version;
  }
}
