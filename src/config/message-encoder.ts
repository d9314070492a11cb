import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ServingError } from "../base/serving-error.ts";
import type { ConfigPath } from "./config-tree.ts";
import { describeValue, isConfigObject } from "./config-value.ts";
import { nearestName } from "./nearest-name.ts";

/** The error for a part of a value: the value at a path, or else its key. A message about a value does not name it. */
export type RefuseValue = (path: ConfigPath, part: "key" | "value", message: string) => ServingError;

/** The longest key that a message repeats. */
const SHOWN_LENGTH = 100;

/**
 * Serializes messages from protobuf's JSON form, of config files, with fields under their own names.
 *
 * protobuf-es has a reader of the form. This one tells where a fault is, and writes what is said to be false, 0 or empty, which
 * otherwise is as if it were not said, so that it takes the place of what the bytes are merged over. The same bytes in whatever
 * order keys are written.
 */
export class MessageEncoder {
  readonly #refuse: RefuseValue;

  constructor(refuse: RefuseValue) {
    this.#refuse = refuse;
  }

  /**
   * Bytes of a message that a refusal calls `what`. An unknown key may be a slip of `alsoKnown` too, which stand for fields.
   * @throws what the constructor's `refuse` gives
   */
  encode(desc: DescMessage, value: unknown, what: string, alsoKnown: readonly string[] = []): Uint8Array {
    return this.#message(desc, value, [], what, alsoKnown);
  }

  #message(desc: DescMessage, value: unknown, path: ConfigPath, what = "", alsoKnown: readonly string[] = []): Uint8Array {
    if (!isConfigObject(value)) throw this.#mismatch(path, "a mapping", value);
    const names = desc.fields.map(({ name }) => name);
    for (const key of Object.keys(value)) {
      if (names.includes(key)) continue;
      const shown = key.slice(0, SHOWN_LENGTH);
      const nearest = nearestName(shown, [...names, ...alsoKnown]);
      const hint = nearest === undefined ? `its keys are the fields of ${desc.typeName}` : `did you mean ${nearest}?`;
      const owner = path.findLast((step) => typeof step === "string") ?? what;
      throw this.#refuse([...path, key], "key", `${owner.slice(0, SHOWN_LENGTH)} has no key "${shown}" (${hint})`);
    }
    const set = desc.fields.filter(({ name }) => name in value).toSorted((a, b) => a.number - b.number);
    this.#checkOneofs(set, path);
    const writer = new BinaryWriter();
    for (const field of set) this.#field(writer, field, value[field.name], [...path, field.name]);
    return writer.finish();
  }

  #checkOneofs(set: readonly DescField[], path: ConfigPath): void {
    for (const { name, oneof } of set) {
      const other = set.find((each) => each.oneof !== undefined && each.oneof === oneof && each.name !== name);
      if (other !== undefined) throw this.#refuse([...path, other.name], "key", `${other.name} excludes ${name}`);
    }
  }

  #field(writer: BinaryWriter, field: DescField, value: unknown, path: ConfigPath): void {
    switch (field.fieldKind) {
      case "scalar":
        this.#scalar(writer, field.number, field.scalar, value, path);
        break;
      case "enum":
        this.#enum(writer, field.number, field.enum, value, path);
        break;
      case "message":
        writer.tag(field.number, WireType.LengthDelimited).bytes(this.#message(field.message, value, path));
        break;
      case "list":
        if (!Array.isArray(value)) throw this.#mismatch(path, "a list", value);
        for (const [index, item] of value.entries()) this.#element(writer, field, item, [...path, index]);
        break;
      case "map":
        if (!isConfigObject(value)) throw this.#mismatch(path, "a mapping", value);
        for (const key of Object.keys(value).sort()) this.#entry(writer, field, key, value[key], [...path, key]);
        break;
    }
  }

  // Numbers too are written one by one: every reader of packed fields takes that.
  #element(writer: BinaryWriter, field: DescField & { fieldKind: "list" }, value: unknown, path: ConfigPath): void {
    switch (field.listKind) {
      case "scalar":
        this.#scalar(writer, field.number, field.scalar, value, path);
        break;
      case "enum":
        this.#enum(writer, field.number, field.enum, value, path);
        break;
      case "message":
        writer.tag(field.number, WireType.LengthDelimited).bytes(this.#message(field.message, value, path));
        break;
    }
  }

  #entry(writer: BinaryWriter, field: DescField & { fieldKind: "map" }, key: string, value: unknown, path: ConfigPath): void {
    const isText = field.mapKey === ScalarType.STRING;
    writer.tag(field.number, WireType.LengthDelimited).fork();
    this.#scalar(writer, 1, field.mapKey, isText || !INTEGER.test(key) ? key : Number(key), path);
    switch (field.mapKind) {
      case "scalar":
        this.#scalar(writer, 2, field.scalar, value, path);
        break;
      case "enum":
        this.#enum(writer, 2, field.enum, value, path);
        break;
      case "message":
        writer.tag(2, WireType.LengthDelimited).bytes(this.#message(field.message, value, path));
        break;
    }
    writer.join();
  }

  #scalar(writer: BinaryWriter, number: number, type: ScalarType, value: unknown, path: ConfigPath): void {
    const scalar = SCALARS.get(type);
    if (scalar === undefined) throw new TypeError(`no field of a config has the type ${ScalarType[type]}`);
    const write = scalar.fit(value);
    if (write === undefined) throw this.#mismatch(path, scalar.expected, value);
    write(writer.tag(number, scalar.wire));
  }

  #enum(writer: BinaryWriter, number: number, desc: DescEnum, value: unknown, path: ConfigPath): void {
    const named = desc.values.find(({ name }) => name === value);
    const write = INT32.fit(named?.number ?? value);
    if (write === undefined) throw this.#mismatch(path, desc.values.map(({ name }) => name).join(" or "), value);
    write(writer.tag(number, WireType.Varint));
  }

  #mismatch(path: ConfigPath, expected: string, value: unknown): ServingError {
    return this.#refuse(path, "value", `expected ${expected}, got ${describeValue(value)}`);
  }
}

const INTEGER = /^-?[0-9]{1,20}$/;

type Write = (writer: BinaryWriter) => unknown;

/** A type of a field. */
interface Scalar {
  readonly expected: string;
  readonly wire: WireType;
  /** What writes the value behind its tag; undefined when it does not fit the type. */
  fit(value: unknown): Write | undefined;
}

const BOOL: Scalar = {
  expected: "true or false",
  wire: WireType.Varint,
  fit: (value) => (typeof value === "boolean" ? (writer) => writer.bool(value) : undefined),
};

const STRING: Scalar = {
  expected: "a string",
  wire: WireType.LengthDelimited,
  fit: (value) => (typeof value === "string" ? (writer) => writer.string(value) : undefined),
};

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const BYTES: Scalar = {
  expected: "a string in Base64",
  wire: WireType.LengthDelimited,
  fit: (value) => {
    if (typeof value !== "string" || !BASE64.test(value)) return undefined;
    return (writer) => writer.bytes(Buffer.from(value, "base64"));
  },
};

const INT32 = integer(-(2n ** 31n), 2n ** 31n - 1n, (writer, value) => writer.int32(Number(value)));

/** The types that fields of a ConfigProto have, at any depth. */
const SCALARS: ReadonlyMap<ScalarType, Scalar> = new Map([
  [ScalarType.BOOL, BOOL],
  [ScalarType.STRING, STRING],
  [ScalarType.BYTES, BYTES],
  [ScalarType.INT32, INT32],
  [ScalarType.UINT32, integer(0n, 2n ** 32n - 1n, (writer, value) => writer.uint32(Number(value)))],
  [ScalarType.INT64, integer(-(2n ** 63n), 2n ** 63n - 1n, (writer, value) => writer.int64(value))],
  [ScalarType.UINT64, integer(0n, 2n ** 64n - 1n, (writer, value) => writer.uint64(value))],
  [ScalarType.FLOAT, number(WireType.Bit32, Math.fround, (writer, value) => writer.float(value))],
  [
    ScalarType.DOUBLE,
    number(
      WireType.Bit64,
      (value) => value,
      (writer, value) => writer.double(value),
    ),
  ],
]);

/** Integers of 64 bits may be texts, as protobuf writes them in JSON. */
function integer(least: bigint, most: bigint, write: (writer: BinaryWriter, value: bigint) => unknown): Scalar {
  const mayBeText = most > 2n ** 32n;
  return {
    expected: `an integer from ${least} to ${most}`,
    wire: WireType.Varint,
    fit: (value) => {
      const isText = mayBeText && typeof value === "string" && INTEGER.test(value);
      if (!isText && typeof value !== "bigint" && !Number.isInteger(value)) return undefined;
      const whole = BigInt(value as string | number | bigint);
      return whole >= least && whole <= most ? (writer) => write(writer, whole) : undefined;
    },
  };
}

/** Numbers that are finite in the precision that `rounded` gives. */
function number(
  wire: WireType,
  rounded: (value: number) => number,
  write: (writer: BinaryWriter, value: number) => unknown,
): Scalar {
  return {
    expected: "a number",
    wire,
    fit: (value) => {
      if (typeof value !== "number" && typeof value !== "bigint") return undefined;
      const plain = Number(value);
      return Number.isFinite(rounded(plain)) ? (writer) => write(writer, plain) : undefined;
    },
  };
}
