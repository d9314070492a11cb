/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Made by `Object.fromEntries` where names are a user's, so that `__proto__` is one like any other. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** An object of named things, in order. */
export type Entries = readonly (readonly [name: string, value: Json])[];

/** A reference to a component by section and name; names need no escapes. */
export function ref(section: "schemas" | "responses" | "requestBodies" | "parameters", name: string): JsonObject {
  return { $ref: `#/components/${section}/${name}` };
}
