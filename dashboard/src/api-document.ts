import { isList, isObject, type Json, type JsonObject, printJson } from "./exact-json.ts";

/** One verb of one path of an OpenAPI document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly request?: Content;
  readonly responses: readonly { readonly status: string; readonly description: string; readonly content?: Content }[];
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly description: string;
}

/** What a body is made of. */
export interface Content {
  readonly mediaType: string;
  readonly schema?: Json;
  readonly example?: Json;
}

/** The operations under one heading. */
export interface OperationGroup {
  readonly name: string;
  readonly operations: readonly Operation[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];

/** The operations of a document, grouped by their first tag, or by what their path begins with. */
export function operationGroups(document: Json): readonly OperationGroup[] {
  const groups = new Map<string, Operation[]>();
  for (const [path, item] of entries(at(document, "paths"))) {
    for (const method of METHODS) {
      const operation = at(item, method);
      if (!isObject(operation)) continue;
      const tags = operation.get("tags");
      const name = isList(tags) && tags.length > 0 ? textOf(tags[0]) : `/${path.split("/")[1] ?? ""}`;
      const group = groups.get(name) ?? [];
      groups.set(name, group);
      group.push(operationOf(document, method, path, operation, at(item, "parameters")));
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }));
}

/** What a value means where it may refer to another part of the document. */
export function resolve(document: Json, value: Json | undefined): Json | undefined {
  for (let hops = 0; hops < 8; hops++) {
    const reference = at(value, "$ref");
    if (typeof reference !== "string" || !reference.startsWith("#/")) return value;
    const keys = reference
      .slice(2)
      .split("/")
      .map((key) => decodePointer(key));
    value = keys.reduce<Json | undefined>((inner, key) => at(inner, key), document);
  }
  return undefined;
}

function decodePointer(key: string): string {
  try {
    return decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return key;
  }
}

const DEEPEST = 12;

/** A schema as lines that look like what it describes: `{`, `  instances: [number]   // rows`, `}`. */
export function schemaText(document: Json, schema: Json | undefined, indent = 0, depth = 0): string {
  const resolved = resolve(document, schema);
  if (resolved === true || !isObject(resolved) || depth > DEEPEST) return "any";
  const parts = ["oneOf", "anyOf"].map((key) => resolved.get(key)).find(isList);
  if (parts !== undefined) return [...new Set(parts.map((part) => schemaText(document, part, indent, depth + 1)))].join(" | ");
  const all = resolved.get("allOf");
  if (isList(all)) return all.map((part) => schemaText(document, part, indent, depth + 1)).join(" & ");
  if (resolved.has("const")) return printJson(resolved.get("const")!);
  const values = resolved.get("enum");
  if (isList(values)) return values.map((value) => printJson(value)).join(" | ");
  const type = resolved.get("type");
  if (type === "object" || resolved.has("properties")) return objectText(document, resolved, indent, depth);
  if (type === "array") return arrayText(document, resolved, indent, depth);
  const format = resolved.get("format");
  const name = isList(type) ? type.map(textOf).join(" | ") : textOf(type ?? "any");
  return typeof format === "string" ? `${name} (${format})` : name;
}

function objectText(document: Json, schema: JsonObject, indent: number, depth: number): string {
  const inner = "  ".repeat(indent + 1);
  const required = schema.get("required");
  const lines = [...entries(schema.get("properties"))].map(([key, property]) => {
    const optional = isList(required) && required.includes(key) ? "" : "?";
    const description = at(resolve(document, property), "description");
    const remark = typeof description === "string" ? `  // ${description.split("\n")[0]}` : "";
    return `${inner}${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}${optional}: ${schemaText(document, property, indent + 1, depth + 1)}${remark}`;
  });
  const rest = schema.get("additionalProperties");
  if (isObject(rest)) lines.push(`${inner}[name]: ${schemaText(document, rest, indent + 1, depth + 1)}`);
  return lines.length === 0 ? "object" : `{\n${lines.join("\n")}\n${"  ".repeat(indent)}}`;
}

function arrayText(document: Json, schema: JsonObject, indent: number, depth: number): string {
  const prefix = schema.get("prefixItems");
  if (isList(prefix)) return `[${prefix.map((item) => schemaText(document, item, indent, depth + 1)).join(", ")}]`;
  const [least, most] = [schema.get("minItems"), schema.get("maxItems")];
  const count = least !== undefined && least === most ? ` × ${textOf(least)}` : "";
  return `[${schemaText(document, schema.get("items"), indent, depth + 1)}${count}]`;
}

function operationOf(document: Json, method: string, path: string, operation: JsonObject, shared: Json | undefined): Operation {
  const parameters = [...list(shared), ...list(operation.get("parameters"))].map((one) => resolve(document, one));
  const request = contentOf(resolve(document, operation.get("requestBody")));
  return {
    method: method.toUpperCase(),
    path,
    summary: text(operation.get("summary")),
    description: text(operation.get("description")),
    parameters: parameters.map((one) => ({
      name: text(at(one, "name")),
      place: text(at(one, "in")),
      required: at(one, "required") === true,
      description: text(at(one, "description")),
    })),
    ...(request && { request }),
    responses: [...entries(operation.get("responses"))].map(([status, response]) => {
      const resolved = resolve(document, response);
      const content = contentOf(resolved);
      return { status, description: text(at(resolved, "description")), ...(content && { content }) };
    }),
  };
}

function contentOf(body: Json | undefined): Content | undefined {
  const [first] = entries(at(body, "content"));
  if (first === undefined) return undefined;
  const [mediaType, media] = first;
  const examples = [...entries(at(media, "examples"))];
  const example = at(media, "example") ?? at(examples[0]?.[1], "value") ?? at(at(media, "schema"), "example");
  const schema = at(media, "schema");
  return { mediaType, ...(schema !== undefined && { schema }), ...(example !== undefined && { example }) };
}

function at(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) ? value.get(key) : undefined;
}

function entries(value: Json | undefined): Iterable<[string, Json]> {
  return isObject(value) ? value : [];
}

function list(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : printJson(value ?? null);
}
