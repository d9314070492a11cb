import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ServingError } from "../../base/serving-error.ts";
import { readSignatureDef } from "../../codec/read-signature-def.ts";
import { readSavedModel } from "../../codec/saved-model/saved-model.ts";
import { TestWindow } from "../../codec/saved-model/test-window.ts";
import type { SavedModelProgram } from "../../model/program.ts";
import type { EngineOptions, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { TensorFlowRuntime } from "./tensorflow-runtime.ts";

/** The folder of models that tests read. */
export const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow");

/** TensorFlow's library, where the tests have one; set by what `npm test` does first. */
export const LIBRARY = process.env.MODELPORT_TEST_TENSORFLOW;

/** Said where tests are skipped. */
export const NO_LIBRARY = "skipped without TensorFlow's library: modelport runtime install tensorflow";

const ends: (() => Promise<void>)[] = [];

/** Ends what {@link load} and {@link attach} began. */
export async function endAttached(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

/** Loads the SavedModel in a folder below the fixtures, as its platform would read it. */
export async function load(
  folder: string,
  { bytes = 1, engine }: { readonly bytes?: number; readonly engine?: EngineOptions } = {},
): Promise<{ readonly runtime: TensorFlowRuntime; readonly model: SharedModel }> {
  const runtime = new TensorFlowRuntime({}, async () => LIBRARY!);
  const model = await runtime.load({ ...(await programOf(folder)), bytes }, new AbortController().signal, engine);
  ends.push(() => runtime.unload(model));
  return { runtime, model };
}

/** Loads and attaches; `bytes` above 4 MiB keep its runs on other threads until they are known to be short. */
export async function attach(
  folder: string,
  options: { readonly bytes?: number; readonly engine?: EngineOptions } = {},
): Promise<Servable> {
  const { runtime, model } = await load(folder, options);
  const servable = runtime.attach(model);
  ends.push(async () => servable.detach());
  return servable;
}

/** A size that makes a model slow. */
export const BIG = 2 ** 30;

/** What a SavedModel's first graph says of itself. */
export async function programOf(folder: string): Promise<SavedModelProgram> {
  const path = join(FIXTURES, folder);
  const window = new TestWindow(await readFile(join(path, "saved_model.pb")));
  const { metaGraphs } = await readSavedModel(window, "saved_model.pb", new AbortController().signal);
  const { tags, signatures, tensorflowVersion, opTypes } = metaGraphs[0]!;
  const readings = [...signatures].map(([name, bytes]) => [name, readSignatureDef(bytes)] as const);
  return {
    runtime: "tensorflow",
    folder: path,
    tags,
    signatures: new Map(readings.map(([name, { signature }]) => [name, signature])),
    defaults: new Map(readings.map(([name, { defaults }]) => [name, defaults])),
    bytes: 1,
    tensorflowVersion,
    opTypes: [...opTypes],
  };
}

/** What `act` throws or rejects with. */
export async function thrown(act: () => unknown): Promise<ServingError> {
  try {
    await act();
  } catch (error) {
    return error as ServingError;
  }
  throw new Error("nothing was thrown");
}
