/** A `caffe2.NetDef`: operators in the order they run, on blobs that are known by name and may be written more than once. */
export interface Net {
  /** Name of its file, for errors. */
  readonly file: string;
  readonly operators: readonly Operator[];
  readonly externalInputs: readonly string[];
  readonly externalOutputs: readonly string[];
}

/** A `caffe2.OperatorDef`. What says where it runs, and which of several implementations it is, has been left out. */
export interface Operator {
  /** `Conv`, `FC` ... */
  readonly type: string;
  /** Empty in most nets. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly args: ReadonlyMap<string, Argument>;
}

/** A `caffe2.Argument`: one of these is set, or a list that is empty. */
export interface Argument {
  readonly float?: number;
  readonly integer?: bigint;
  readonly text?: Uint8Array;
  readonly floats?: Float32Array;
  readonly integers?: BigInt64Array;
  readonly texts?: readonly Uint8Array[];
  /** Nets and tensors inside an argument are passed over; no operator that has them is served. */
  readonly nested?: true;
}

/** What errors call an operator. */
export function operatorLabel(file: string, { type, name, outputs }: Operator): string {
  return `${file}: ${type} ${JSON.stringify(name === "" ? (outputs[0] ?? "") : name)}`;
}
