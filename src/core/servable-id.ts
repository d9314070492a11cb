/** One version of one servable: the unit that is loaded, served and unloaded. */
export interface ServableId {
  /** The servable stream's name, chosen by the user. */
  readonly name: string;
  /** A signed 64-bit number; not negative in practice. */
  readonly version: bigint;
}

/** A string that two ids share exactly when name and version agree, for use as a map's key. */
export function servableKey(id: ServableId): string {
  return `${id.version}/${id.name}`;
}

/** The id as TensorFlow Serving writes it in messages: `{name: M version: V}`. */
export function formatServableId(id: ServableId): string {
  return `{name: ${id.name} version: ${id.version}}`;
}
