/** What a feature holds; "unset" for a list of nothing. Field numbers of `tensorflow.Feature`. */
export type FeatureKind = "unset" | "bytes" | "float" | "int64";

const KIND_FIELDS = { bytes: 1, float: 2, int64: 3 } as const;

/** Bytes of a protobuf message under construction. */
class MessageBytes {
  bytes = new Uint8Array(256);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Makes room and gives where to write. */
  grow(more: number): number {
    const at = this.length;
    this.length += more;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    return at;
  }

  byte(value: number): void {
    const at = this.grow(1);
    this.bytes[at] = value;
  }

  /** A varint of a whole number below 2^53. */
  varint(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  /** A length-delimited field. */
  field(number: number, value: Uint8Array): void {
    this.varint((number << 3) | 2);
    this.varint(value.length);
    const at = this.grow(value.length);
    this.bytes.set(value, at);
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/**
 * Writes serialized `tensorflow.Example` messages, one after another, feature by feature. A feature written twice stands twice;
 * whoever parses the message takes the last.
 */
export class ExampleWriter {
  /** What the current feature holds so far. */
  kind: FeatureKind = "unset";
  private readonly values = new MessageBytes();
  private readonly list = new MessageBytes();
  private readonly features = new MessageBytes();
  private readonly number = new DataView(new ArrayBuffer(4));
  private readonly numberBytes = new Uint8Array(this.number.buffer);

  /** Appends to the current feature's bytes_list. */
  addBytes(value: Uint8Array): void {
    this.kind = "bytes";
    this.values.field(1, value);
  }

  /** Appends to the current feature's float_list, rounded to float32. */
  addFloat(value: number): void {
    this.kind = "float";
    this.number.setFloat32(0, value, true);
    const at = this.values.grow(4);
    this.values.bytes.set(this.numberBytes, at);
  }

  /** Appends to the current feature's int64_list. */
  addInt64(value: bigint): void {
    this.kind = "int64";
    for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
      const low = Number(rest & 0x7fn);
      this.values.byte(rest > 0x7fn ? low | 0x80 : low);
      if (rest <= 0x7fn) return;
    }
  }

  /** Ends the current feature. */
  finishFeature(name: Uint8Array): void {
    const { values, list, kind } = this;
    let body = values.written;
    if (kind === "float" || kind === "int64") {
      list.clear();
      list.field(1, body);
      body = list.written;
    }
    const feature = new MessageBytes();
    if (kind !== "unset") feature.field(KIND_FIELDS[kind], body);
    const entry = new MessageBytes();
    entry.field(1, name);
    entry.field(2, feature.written);
    this.features.field(1, entry.written);
    values.clear();
    this.kind = "unset";
  }

  /** The message of all features since the last call, with `before` put in front. */
  finishExample(before: Uint8Array): Uint8Array {
    const example = new MessageBytes();
    const start = example.grow(before.length);
    example.bytes.set(before, start);
    if (this.features.length > 0) example.field(1, this.features.written);
    this.features.clear();
    return example.bytes.slice(0, example.length);
  }
}
