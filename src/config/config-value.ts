/** What JSON can say, with integers of any size. */
export type ConfigValue = null | boolean | number | bigint | string | readonly ConfigValue[] | ConfigObject;

/** A mapping; its keys may be users' names, so it has no prototype. */
export interface ConfigObject {
  readonly [key: string]: ConfigValue;
}

/** An object of these entries whose keys are users' names. */
export function configObject(entries: readonly (readonly [string, ConfigValue])[]): ConfigObject {
  const made = Object.create(null) as Record<string, ConfigValue>;
  for (const [key, value] of entries) made[key] = value;
  return made;
}

/** Whether a value is a mapping. */
export function isConfigObject(value: unknown): value is ConfigObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for a message: a scalar as it is written, of all others the kind. */
export function describeValue(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value !== "string") return `${value as number | bigint | boolean}`;
  return value.length <= 60 ? JSON.stringify(value) : `a string of ${value.length} characters`;
}
