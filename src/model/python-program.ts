/** What a Python worker makes of a model's files. */
export type PythonForm =
  /** A class of the user's in a Python file. */
  | "handler"
  /** TorchScript. */
  | "torchscript"
  /** What `torch.save` wrote: a whole module, or weights for a class in a Python file. */
  | "torch-save"
  /** What `torch.export.save` wrote. */
  | "exported"
  /** An estimator that was pickled. */
  | "pickle"
  /** An archive of TorchServe's. */
  | "archive";

/** A tensor as `signature.json` declares it. */
export interface DeclaredTensor {
  readonly name: string;
  readonly dtype: string;
  /** -1 where any size is right; absent for any shape. */
  readonly shape?: readonly number[];
  readonly optional?: boolean;
}

/** A signature as `signature.json` declares it. */
export interface DeclaredSignature {
  readonly name: string;
  readonly inputs: readonly DeclaredTensor[];
  /** Absent where only a run tells. */
  readonly outputs?: readonly DeclaredTensor[];
}

/** A model that a Python process of its own loads and runs. Plain data. */
export interface PythonProgram {
  readonly runtime: "python";
  readonly form: PythonForm;
  /** Absolute folder that the files are in. */
  readonly folder: string;
  /** Name of the model's file in the folder. */
  readonly file: string;
  /** Name of a Python file beside it that has its class. */
  readonly codeFile?: string;
  /** Why loading it runs code of the model's, for people: `handler.py is Python code`. Absent for what is data. */
  readonly runsCode?: string;
  /** What `signature.json` beside the model says. */
  readonly declared?: readonly DeclaredSignature[];
}
