import { createRequire } from "node:module";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Servable } from "../../model/servable.ts";
import { ServingTable } from "../../serving/serving-table.ts";
import { PREDICT_METHOD, type Signature, type TensorInfo } from "../../tensor/signature.ts";
import type { Json, JsonObject } from "./json.ts";
import type { DocumentRules } from "./openapi-document.ts";

/** What a document says of itself, unless a test says otherwise. */
export const RULES: DocumentRules = {
  serverVersion: "1.2.3",
  authenticated: false,
  adminApi: false,
  metricsPath: "/monitoring/prometheus/metrics",
  checksMethodNames: false,
};

/** What tests use of the schema validator that the OpenAPI validator brings along. */
interface SchemaValidator {
  addSchema(schema: object, key: string): void;
  getSchema(reference: string): (((value: unknown) => boolean) & { readonly errors?: unknown }) | undefined;
  errorsText(errors: unknown): string;
}

const bundled = createRequire(createRequire(import.meta.url).resolve("@seriousme/openapi-schema-validator"));
const { default: Ajv } = bundled("ajv/dist/2020.js") as { readonly default: new (options: object) => SchemaValidator };

const validator = new Validator();

/** An operation of a document as far as tests look at it. */
export interface TestOperation {
  readonly operationId: string;
  readonly description?: string;
  readonly parameters?: readonly JsonObject[];
  readonly requestBody?: { readonly $ref: string };
  readonly responses: { readonly [status: string]: { readonly $ref?: string } };
  readonly security?: readonly JsonObject[];
}

/** An OpenAPI document as a client reads it. */
export class TestDocument {
  readonly root: JsonObject & { readonly paths: { readonly [path: string]: { readonly [method: string]: TestOperation } } };
  readonly #schemas = new Ajv({ strict: false, validateFormats: false, validateSchema: false, ownProperties: true });

  constructor(bytes: Uint8Array | string) {
    this.root = JSON.parse(Buffer.from(bytes).toString());
    this.#schemas.addSchema(this.root, "document");
  }

  /** What the validator of OpenAPI 3.1 finds wrong; undefined when it is valid. */
  async faults(): Promise<unknown> {
    const { valid, errors } = await validator.validate(structuredClone(this.root));
    return valid ? undefined : (errors ?? "invalid");
  }

  operation(method: string, path: string): TestOperation {
    const found = this.root.paths[path]?.[method];
    if (found === undefined) throw new Error(`the document has no ${method} ${path}: ${Object.keys(this.root.paths).join(" ")}`);
    return found;
  }

  /** What is wrong with the body of a request to an operation; undefined when its schema accepts it. */
  requestFault(operation: TestOperation, body: unknown): string | undefined {
    return this.#fault(`${operation.requestBody?.$ref}/content/application~1json/schema`, body);
  }

  /** The same for the body of its answer with status 200. */
  answerFault(operation: TestOperation, body: unknown, status = "200"): string | undefined {
    return this.#fault(`${operation.responses[status]?.$ref}/content/application~1json/schema`, body);
  }

  /** What a reference points at. */
  at(ref: string): Json | undefined {
    const steps = ref
      .slice(2)
      .split("/")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    return steps.reduce<Json | undefined>((value, step) => (value as JsonObject | undefined)?.[step], this.root);
  }

  #fault(pointer: string, value: unknown): string | undefined {
    const validate = this.#schemas.getSchema(`document${pointer}`);
    if (validate === undefined) throw new Error(`the document has no ${pointer}`);
    return validate(value) ? undefined : this.#schemas.errorsText(validate.errors);
  }
}

/** An input or output. */
export function tensor(
  alias: string,
  dtype: TensorInfo["dtype"],
  shape?: TensorInfo["shape"],
  more: Partial<TensorInfo> = {},
): TensorInfo {
  return { alias, name: alias, dtype, shape, ...more };
}

/** A signature that predicts. */
export function signature(
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  more: Partial<Signature> = {},
): Signature {
  return { inputs, outputs, methodName: PREDICT_METHOD, ...more };
}

/** A servable that is only looked at. */
export function servable(signatures: { readonly [name: string]: Signature } | ReadonlyMap<string, Signature>): Servable {
  return {
    runtime: "onnxruntime",
    signatures: signatures instanceof Map ? signatures : new Map(Object.entries(signatures)),
    run: () => new Map(),
    detach() {},
  };
}

/** A table in which models are served with the signatures given, each in version 1. */
export async function tableOf(models: Iterable<readonly [name: string, Parameters<typeof servable>[0]]>): Promise<ServingTable> {
  const table = new ServingTable();
  for (const [name, signatures] of models) await table.servables.publish({ name, version: 1n }, servable(signatures));
  return table;
}
