import { createHash } from "node:crypto";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { formatServableId } from "../core/servable-id.ts";
import type { AdminAnswer, AdminCall, ChangeTerms } from "../serving/admin.ts";
import { withModel, withoutModel } from "./model-layers.ts";
import type { ServerCore } from "./server-core.ts";

/** What answers requests of the admin API. */
export interface ModelAdminParts {
  readonly core: Pick<ServerCore, "models" | "change" | "arrival">;
  /** A model's config from JSON. Rejects with a ServingError invalid-argument that says where the fault is. */
  readonly read: (text: string, name: string, current: readonly ModelConfig[]) => Promise<ModelConfig>;
  /** A model's config as JSON that `read` takes, the same whenever nothing has changed. */
  readonly print: (model: ModelConfig) => string;
  readonly printAll: (models: readonly ModelConfig[]) => string;
  /** Writes all models that are in force to the config file and resolves with them; undefined when there is none. */
  readonly writeBack: (() => Promise<readonly ModelConfig[]>) | undefined;
  readonly log: Log;
}

type Change = Extract<AdminCall, { readonly terms: ChangeTerms }>;

/**
 * Reads and changes the configs of single models. A change takes its turn among reloads, and what it is conditional on is
 * looked at when its turn has come. It lies over what a look at a folder of models finds; a changed config file or a reload
 * replaces it.
 */
export class ModelAdmin {
  readonly #parts: ModelAdminParts;

  constructor(parts: ModelAdminParts) {
    this.#parts = parts;
  }

  /** Rejects with a ServingError when the request is refused; nothing has changed then unless the message says so. */
  async answer(call: AdminCall): Promise<AdminAnswer> {
    switch (call.kind) {
      case "list":
        return this.#list();
      case "get":
        return this.#found("found", this.#known(call.model));
      case "put":
      case "delete":
        return await this.#change(call);
    }
  }

  #list(): AdminAnswer {
    const { core, printAll } = this.#parts;
    const config = printAll(core.models);
    return { kind: "found", config, tag: tagOf(config) };
  }

  async #change(call: Change): Promise<AdminAnswer> {
    const { core, writeBack, log } = this.#parts;
    const { model: name, terms } = call;
    if (terms.write && writeBack === undefined) {
      throw new ServingError(
        "failed-precondition",
        "there is no config file to write to; start the server with --model_config_file, or leave write=true out",
      );
    }
    const wanted = call.kind === "put" ? await this.#parts.read(call.config, name, core.models) : undefined;
    let present: ModelConfig | undefined;
    let mismatch: string | undefined;
    await core.change((layers) => {
      present = core.models.find((each) => each.name === name);
      mismatch = this.#mismatch(name, present, terms);
      if (mismatch !== undefined) return layers;
      if (wanted !== undefined) return withModel(layers, wanted);
      if (present === undefined) throw unknown(name);
      return withoutModel(layers, name);
    });
    if (mismatch !== undefined) return { kind: "mismatch", message: mismatch };
    const change = wanted === undefined ? "removed" : present === undefined ? "created" : "replaced";
    log.info("model_config_changed", { model: name, change });
    if (terms.write) await this.#writeBack(name, wanted);
    if (wanted === undefined) return { kind: "deleted" };
    if (terms.wait) await this.#arrived(name);
    return this.#found(present === undefined ? "created" : "replaced", wanted);
  }

  /** Why the terms do not hold. */
  #mismatch(name: string, present: ModelConfig | undefined, { ifMatch, ifNew }: ChangeTerms): string | undefined {
    if (ifNew && present !== undefined) return `there is a model ${name} already`;
    if (ifMatch.length === 0) return undefined;
    if (present === undefined) return `there is no model ${name} to match`;
    if (ifMatch.includes("*") || ifMatch.includes(this.#tag(present))) return undefined;
    return `the config of model ${name} has changed since it was read; read it again`;
  }

  /** Rejects when the change could not be written, or was no more in force when the writing had its turn. */
  async #writeBack(name: string, wanted: ModelConfig | undefined): Promise<void> {
    let written: ModelConfig | undefined;
    try {
      written = (await this.#parts.writeBack!()).find((model) => model.name === name);
    } catch (reason) {
      const { message } = ServingError.from(reason);
      throw new ServingError("internal", `the change is in force, but could not be written to the config file: ${message}`, {
        cause: reason,
      });
    }
    const { print } = this.#parts;
    if ((written && print(written)) !== (wanted && print(wanted))) {
      throw new ServingError("aborted", `a later change of model ${name} took the place of this one before it was written`);
    }
  }

  async #arrived(name: string): Promise<void> {
    const { id, health } = await this.#parts.core.arrival(name);
    if (health === undefined) return;
    throw new ServingError(
      health.code,
      `the config of model ${name} is in force, but it did not become available: ${formatServableId(id)} due to error: ${health.message}`,
    );
  }

  #known(name: string): ModelConfig {
    const model = this.#parts.core.models.find((each) => each.name === name);
    if (model === undefined) throw unknown(name);
    return model;
  }

  #found(kind: "found" | "created" | "replaced", model: ModelConfig): AdminAnswer {
    const config = this.#parts.print(model);
    return { kind, config: `${config}\n`, tag: tagOf(config) };
  }

  #tag(model: ModelConfig): string {
    return tagOf(this.#parts.print(model));
  }
}

function unknown(name: string): ServingError {
  return new ServingError("not-found", `there is no model ${name}; all of them are at /v1/config`);
}

function tagOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
