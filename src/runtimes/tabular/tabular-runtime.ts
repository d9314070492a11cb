import { throwIfAborted } from "../../base/abort.ts";
import type { Program } from "../../model/program.ts";
import type { Runtime, SharedModel } from "../../model/runtime.ts";
import type { Servable } from "../../model/servable.ts";
import type { TabularProgram } from "../../model/tabular-program.ts";
import { TabularServable } from "./tabular-servable.ts";

/** Evaluates tabular models on typed arrays, in TypeScript. The program is the model: its tables lie in memory that all threads share. */
export class TabularRuntime implements Runtime {
  readonly name = "tabular";

  load(program: Program, signal: AbortSignal): Promise<SharedModel> {
    const { signatures } = program as TabularProgram;
    return Promise.resolve().then(() => {
      throwIfAborted(signal);
      return { runtime: this.name, signatures, handle: program };
    });
  }

  attach({ handle }: SharedModel): Servable {
    return new TabularServable(handle as TabularProgram);
  }

  unload(): Promise<void> {
    return Promise.resolve();
  }
}
