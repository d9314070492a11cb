import { throwIfAborted } from "../../base/abort.ts";
import type { Program } from "../../model/program.ts";
import type { Runtime, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import { withExampleSignatures } from "../../model/tabular/example-signatures.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { verifyPmml } from "./pmml/verify.ts";
import { TabularServable } from "./tabular-servable.ts";
import { withTreeLayouts } from "./trees/tree-layout.ts";

/** Evaluates tabular models on typed arrays, in TypeScript. The program is the model: its tables lie in memory that all threads share. */
export class TabularRuntime implements Runtime {
  readonly name = "tabular";

  async load(program: Program, signal: AbortSignal): Promise<SharedModel> {
    throwIfAborted(signal);
    for (const operation of (program as TabularProgram).operations)
      if (operation.kind === "pmml") await verifyPmml(operation, signal);
    const described = withExampleSignatures(program as TabularProgram);
    const handle = { ...described, operations: await withTreeLayouts(described.operations, signal) };
    return { runtime: this.name, signatures: handle.signatures, handle };
  }

  attach({ handle }: SharedModel): Servable {
    return new TabularServable(handle as TabularProgram);
  }

  unload(): Promise<void> {
    return Promise.resolve();
  }
}
