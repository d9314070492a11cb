/** A name that a pickle mentions: nothing is looked up. Names of Python 2's modules are those of Python 3. */
export class PickleName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  /** `module.name`. */
  get full(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What a pickle would have made by calling a name: the name, and all that was to be done to the result. Nothing was done. */
export class PickleObject {
  readonly type: PickleName;
  readonly args: PickleValue;
  /** What `__setstate__` was to be given, the last where there are several. */
  state: PickleValue = null;
  /** What was appended, as to a list. */
  readonly items: PickleValue[] = [];
  /** What was set, as in a dictionary. */
  readonly entries = new Map<PickleValue, PickleValue>();
  /** Data that lies in the stream behind the object, where the caller's `inline` said so. */
  inline: Uint8Array | PickleValue = null;

  constructor(type: PickleName, args: PickleValue) {
    this.type = type;
    this.args = args;
  }
}

/**
 * What a pickle says, as plain data: lists and tuples are arrays; bytes, and what Python 2 had for them when it is longer than a name, may be
 * strings of latin-1. Values may be in several places, and within themselves.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleName
  | PickleObject
  | PickleValue[]
  | Set<PickleValue>
  | Map<PickleValue, PickleValue>;
