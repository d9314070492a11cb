import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ServingTable } from "../../serving/serving-table.ts";
import { type FixedRules, fixedPaths } from "./fixed-paths.ts";
import type { Entries, JsonObject } from "./json.ts";
import { type ModelParts, type ModelRules, modelParts, type ServedModel } from "./model-parts.ts";
import { IMAGE_PARAMETERS, RESPONSES, SCHEMAS, SECURITY_SCHEMES } from "./shared-components.ts";

/** What the document says beside the models. */
export interface DocumentRules extends FixedRules, ModelRules {
  /** The version of this server. */
  readonly serverVersion: string;
}

/** The document in the bytes of its JSON. */
export interface DocumentText {
  readonly bytes: Uint8Array;
  /** The value of an ETag header; the same for the same bytes. */
  readonly tag: string;
}

/** Models written before the thread turns to something else. */
const MODELS_A_TURN = 10;

type Section = keyof ModelParts;

/** What a model adds to the document. */
interface Written {
  readonly model: ServedModel;
  /** The members of each section as JSON, without its braces. */
  readonly parts: Readonly<Record<Section, Uint8Array>>;
  /** Of the parts. */
  readonly digest: Uint8Array;
}

const DESCRIPTION = [
  "What this server answers, as it is now: models come and go, and so do their paths. A model is here when a version of it is available; " +
    "its schemas are those of the latest. HEAD is answered wherever GET is.",
  "Of tensors JSON Schema cannot tell all: lists side by side must be of one length; an input that may be left out is in every row or in " +
    "none; integers are written without a fraction (`1.0` is refused); numbers may also be the bare words NaN, Infinity and -Infinity, " +
    "which JSON does not have, in requests and in answers.",
].join("\n\n");

const TAGS = [
  { name: "Predict", description: "running models" },
  { name: "Classify and regress", description: "running models on examples of features" },
  { name: "Models", description: "states and signatures" },
  { name: "Simple TensorFlow Serving", description: "its API, and generated clients" },
  { name: "Config", description: "changing which models are served" },
  { name: "Operation", description: "health, metrics and this document" },
];

/** The OpenAPI document of a serving thread: written anew when it is asked for and what is served has changed, only where it has. */
export class OpenApiDocument {
  readonly #table: ServingTable;
  readonly #rules: DocumentRules;
  #written: ReadonlyMap<string, Written> = new Map();
  #text: DocumentText | undefined;
  #writing: Promise<DocumentText> | undefined;

  constructor(table: ServingTable, rules: DocumentRules) {
    this.#table = table;
    this.#rules = rules;
  }

  /** The document of what is served now. */
  async current(): Promise<DocumentText> {
    // Who comes while it is being written waits, and looks again: what is written may be older than what is served now.
    while (this.#writing !== undefined) await this.#writing;
    const served = servedModels(this.#table);
    if (this.#text !== undefined && this.#isWritten(served)) return this.#text;
    this.#writing = this.#write(served);
    try {
      return await this.#writing;
    } finally {
      this.#writing = undefined;
    }
  }

  #isWritten(served: readonly ServedModel[]): boolean {
    return served.length === this.#written.size && served.every((model) => isSame(model, this.#written.get(model.name)?.model));
  }

  async #write(served: readonly ServedModel[]): Promise<DocumentText> {
    const all = new Map<string, Written>();
    let fresh = 0;
    for (const model of served) {
      const before = this.#written.get(model.name);
      if (before !== undefined && isSame(model, before.model)) {
        all.set(model.name, before);
        continue;
      }
      if (fresh++ % MODELS_A_TURN === MODELS_A_TURN - 1) await nextTurn();
      all.set(model.name, write(model, this.#rules));
    }
    this.#written = all;
    this.#text = compose([...all.values()], this.#rules);
    return this.#text;
  }
}

/** The models with a version that answers, by name; a name that no path can hold is none. */
function servedModels(table: ServingTable): readonly ServedModel[] {
  return [...table.servables.names()].sort().flatMap((name) => {
    const handle = /\p{Surrogate}/u.test(name) ? undefined : table.servables.acquire(name);
    if (handle === undefined) return [];
    try {
      const { id, servable } = handle;
      const about = table.about(id);
      return [
        {
          name,
          version: id.version,
          signatures: servable.signatures,
          platform: about?.platform ?? "",
          example: about?.example,
          labels: [...table.labels(name)].map(([label, version]) => `${label} (${version})`),
        },
      ];
    } finally {
      handle.release();
    }
  });
}

function isSame(a: ServedModel, b: ServedModel | undefined): boolean {
  return (
    b !== undefined &&
    a.version === b.version &&
    a.signatures === b.signatures &&
    a.platform === b.platform &&
    a.example === b.example &&
    a.labels.join() === b.labels.join()
  );
}

function write(model: ServedModel, rules: ModelRules): Written {
  const { paths, schemas, responses, requestBodies } = modelParts(model, rules);
  const encode = (entries: Entries) => Buffer.from(members(entries));
  const parts = {
    paths: encode(paths),
    schemas: encode(schemas),
    responses: encode(responses),
    requestBodies: encode(requestBodies),
  };
  const hash = createHash("sha256");
  for (const bytes of Object.values(parts)) hash.update(bytes);
  return { model, parts, digest: hash.digest() };
}

/** The members of an object as JSON, without its braces. */
function members(entries: Entries): string {
  return entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",");
}

/** Puts the document together; what models add is copied, and not looked at again. */
function compose(models: readonly Written[], rules: DocumentRules): DocumentText {
  const hash = createHash("sha256");
  const pieces: Uint8Array[] = [];
  const put = (text: string) => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    pieces.push(bytes);
  };
  const section = (name: Section, fixed: Entries) => {
    put(`"${name}":{${members(fixed)}`);
    let separator = fixed.length > 0 ? COMMA : NOTHING;
    for (const { parts } of models) {
      if (parts[name].length === 0) continue;
      pieces.push(separator, parts[name]);
      separator = COMMA;
    }
    put("}");
  };
  put(`{${members(entriesOf(head(rules)))},`);
  section("paths", fixedPaths(rules));
  put(',"components":{');
  section("schemas", entriesOf(SCHEMAS));
  put(",");
  section("responses", entriesOf(RESPONSES));
  put(",");
  section("requestBodies", []);
  const rest = { parameters: PARAMETERS, ...(rules.authenticated && { securitySchemes: SECURITY_SCHEMES }) };
  put(`,${members(entriesOf(rest))}}}`);
  for (const { digest } of models) hash.update(digest);
  return { bytes: Buffer.concat(pieces), tag: `"${hash.digest("base64url").slice(0, 22)}"` };
}

function head({ serverVersion, adminApi, authenticated }: DocumentRules): JsonObject {
  return {
    openapi: "3.1.0",
    info: { title: "modelport", version: serverVersion, description: DESCRIPTION },
    // Seen from the document, whatever prefix a proxy has put before it.
    servers: [{ url: "." }],
    tags: adminApi ? TAGS : TAGS.filter(({ name }) => name !== "Config"),
    ...(authenticated && { security: Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] })) }),
  };
}

function entriesOf(object: JsonObject): Entries {
  return Object.entries(object);
}

const COMMA = Buffer.from(",");
const NOTHING = new Uint8Array(0);

const PARAMETERS: JsonObject = {
  label: { name: "label", in: "path", required: true, schema: { type: "string", minLength: 1 } },
  ...IMAGE_PARAMETERS,
};
