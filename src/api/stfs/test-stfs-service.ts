import { FakeClock } from "../../base/fake-clock.ts";
import { MetricsShard } from "../../metrics/metrics-shard.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import { Inference } from "../../serving/inference.ts";
import { RequestMetrics } from "../../serving/request-metrics.ts";
import { ServingTable } from "../../serving/serving-table.ts";
import { PREDICT_METHOD, type Signature, type TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import type { Principal } from "../../transport/http-exchange.ts";
import { createStfsHandler, type StfsServices } from "./stfs-handler.ts";

/** A model that gives back its inputs unless it is told otherwise. */
export interface TestModel {
  readonly versions?: readonly bigint[];
  readonly platform?: string;
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly example?: string;
  readonly run?: (
    signature: string,
    inputs: NamedTensors,
    context: RunContext | undefined,
    version: bigint,
  ) => NamedTensors | Promise<NamedTensors>;
}

/** A signature with these inputs, and outputs of the same names and types. */
export function echo(
  ...inputs: readonly (readonly [alias: string, dtype: TensorInfo["dtype"], ...shape: number[]])[]
): Signature {
  const infos = inputs.map(([alias, dtype, ...shape]) => ({ alias, name: alias, dtype, shape }));
  return { inputs: infos, outputs: infos, methodName: PREDICT_METHOD };
}

/** The handler over models by name; `faults` are the errors that were nobody's ServingError. */
export async function stfsService(models: Readonly<Record<string, TestModel>>, services: Partial<StfsServices> = {}) {
  const table = new ServingTable();
  for (const [name, { versions = [1n], platform = "onnx", signatures, example, run }] of Object.entries(models)) {
    for (const version of versions) {
      const id = { name, version };
      const servable: Servable = {
        runtime: "onnxruntime",
        signatures: new Map(Object.entries(signatures)),
        run: (signature, inputs, _wanted, context) => (run === undefined ? inputs : run(signature, inputs, context, version)),
        detach() {},
      };
      await table.servables.publish(id, servable);
      const about = { platform, why: "", folder: `${name}-folder`, loadMs: 1, loadedAtMs: 1, fileBytes: 1 };
      table.setAbout(id, { ...about, ...(example !== undefined && { example }) });
    }
    table.setStatuses(
      name,
      versions.map((version) => ({ version, state: "AVAILABLE" })),
    );
  }
  const metrics = new RequestMetrics(new MetricsShard(() => {}));
  const faults: unknown[] = [];
  const handle = createStfsHandler({
    table,
    inference: new Inference(table, metrics),
    metrics,
    timeoutMs: 30_000,
    clock: new FakeClock(),
    reportFault: (reason) => faults.push(reason),
    ...services,
  });
  const ask = async (
    method: string,
    target: string,
    body: string | Uint8Array = "",
    headers: Record<string, string> = {},
    principal?: Principal,
  ) => {
    const response = await handle({
      method,
      target,
      header: (name) => headers[name],
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
      signal: new AbortController().signal,
      principal,
    });
    const text = new TextDecoder().decode(response.body as Uint8Array);
    return { status: response.status, headers: Object.fromEntries(response.headers), text };
  };
  return { ask, table, faults };
}
