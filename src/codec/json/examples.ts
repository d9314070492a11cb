import { ServingError } from "../../base/serving-error.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import { base64Text, decodeBase64Into } from "./base64.ts";
import type { JsonDocument } from "./document.ts";
import { ExampleWriter, type FeatureKind } from "./example-writer.ts";
import { GrowingStrings } from "./growing-strings.ts";
import { jsonType, valueError } from "./json-error.ts";
import { lastNumber, numberValue, scanNumber } from "./number.ts";
import { scanColon, skipSpace } from "./scan.ts";
import { stringEnd, unescapeInto } from "./text.ts";

const NOTHING = new Uint8Array(0);
const LONGEST_INTEGER = 20;

/**
 * Reads `examples` and `context` of a classify or regress request: a serialized `tensorflow.Example` each, with the context's
 * in front, so that a parser sees the union and the example's features win.
 * @throws ServingError invalid-argument that names the feature at fault.
 */
export function readExamples(document: JsonDocument, _method: "classify" | "regress"): readonly Uint8Array[] {
  const examples: Uint8Array[] = [];
  readEach(document, (example) => examples.push(example));
  return examples;
}

/** The same in one piece, for many: an array of their own for each takes more memory than the text. */
export function readPackedExamples(document: JsonDocument, _method: "classify" | "regress"): StringArray {
  const packed = new GrowingStrings();
  readEach(document, (example) => {
    const at = packed.reserve(example.length);
    packed.bytes.set(example, at);
    packed.add(at + example.length);
  });
  return packed.take();
}

function readEach(document: JsonDocument, take: (example: Uint8Array) => void): void {
  const { bytes, root, members } = document;
  const reader = new ExampleReader(bytes);
  const context = members.context === undefined ? NOTHING : reader.read(members.context.start, NOTHING);
  const rootError = (rest: string) => valueError(bytes, root.start, root.end, rest);
  if (members.examples === undefined) {
    // TensorFlow Serving says "classify" for both methods; clients look for its text.
    throw rootError("When method is classify, key 'examples' is expected and was not found");
  }
  const { start } = members.examples;
  if (bytes[start] !== 0x5b) throw rootError("Expecting 'examples' value to be an list/array");
  let at = skipSpace(bytes, start + 1, bytes.length);
  if (bytes[at] === 0x5d) throw rootError("'examples' value is an empty array");
  for (;;) {
    take(reader.read(at, context));
    at = skipSpace(bytes, reader.end, bytes.length);
    if (bytes[at] === 0x5d) return;
    at = skipSpace(bytes, at + 1, bytes.length);
  }
}

/** Turns scanned objects of features into serialized examples. */
class ExampleReader {
  /** The first byte after the last object read. */
  end = 0;
  private readonly bytes: Uint8Array;
  private readonly writer = new ExampleWriter();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The object at `start` as an example with `context` in front. */
  read(start: number, context: Uint8Array): Uint8Array {
    const { bytes } = this;
    if (bytes[start] !== 0x7b) throw invalid(`Example must be JSON object but got JSON ${jsonType(bytes[start])}`);
    let at = skipSpace(bytes, start + 1, bytes.length);
    while (bytes[at] === 0x22) {
      const nameStop = stringEnd(bytes, at);
      const name = unescaped(bytes, at, nameStop);
      at = skipSpace(bytes, this.readFeature(scanColon(bytes, nameStop, bytes.length), name), bytes.length);
      this.writer.finishFeature(name);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
    }
    this.end = at + 1;
    return this.writer.finishExample(context);
  }

  /** Adds the value, or the values of the list, at `start` to the current feature; gives the end. */
  private readFeature(start: number, name: Uint8Array): number {
    const { bytes } = this;
    if (bytes[start] !== 0x5b) return this.readValue(start, name);
    let at = skipSpace(bytes, start + 1, bytes.length);
    while (bytes[at] !== 0x5d) {
      at = skipSpace(bytes, this.readValue(at, name), bytes.length);
      if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
    }
    return at + 1;
  }

  private readValue(start: number, name: Uint8Array): number {
    const { bytes, writer } = this;
    const type = jsonType(bytes[start]);
    switch (type) {
      case "True":
      case "False":
        this.expect("int64", name);
        writer.addInt64(type === "True" ? 1n : 0n);
        return start + type.length;
      case "Number":
        return this.readNumber(start, name);
      case "String": {
        this.expect("bytes", name);
        const end = stringEnd(bytes, start);
        writer.addBytes(unescaped(bytes, start, end));
        return end;
      }
      case "Null":
      case "Array":
      case "Object": {
        const text = type === "Object" ? base64Text(bytes, start) : undefined;
        if (text === undefined) {
          throw invalid(`Feature: ${printName(name)} has element with unexpected JSON type: ${type}`);
        }
        this.expect("bytes", name);
        const decoded = new Uint8Array(text.end - text.start);
        writer.addBytes(decoded.subarray(0, decodeBase64Into(bytes, text.start, text.end, decoded, 0)));
        return skipSpace(bytes, text.end + 1, bytes.length) + 1;
      }
    }
  }

  private readNumber(start: number, name: Uint8Array): number {
    const { bytes, writer } = this;
    const end = scanNumber(bytes, start, bytes.length);
    const integer = lastNumber.integer ? integerValue(bytes, start, end) : undefined;
    if (integer === undefined) {
      this.expect("float", name);
      writer.addFloat(numberValue(bytes, start, end));
      return end;
    }
    this.expect("int64", name);
    if (BigInt.asIntN(64, integer) !== integer) {
      throw invalid(`Feature: ${printName(name)} has uint64_t element. Only int64_t is supported.`);
    }
    writer.addInt64(integer);
    return end;
  }

  private expect(kind: FeatureKind, name: Uint8Array): void {
    const expected = this.writer.kind;
    if (expected !== "unset" && expected !== kind) {
      throw invalid(`Unexpected element type in feature: ${printName(name)} expecting type: ${expected}`);
    }
  }
}

/** An integer literal of int64's or uint64's range; one beyond is a floating number, as for RapidJSON. */
function integerValue(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  if (end - start > LONGEST_INTEGER) return undefined;
  const value = BigInt(String.fromCharCode(...bytes.subarray(start, end)));
  return BigInt.asUintN(64, value) === value || BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The bytes of the scanned string with quotes at `start` and `end - 1`. */
function unescaped(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const text = new Uint8Array(end - start - 2);
  return text.subarray(0, unescapeInto(bytes, start + 1, end - 1, text, 0));
}

function printName(name: Uint8Array): string {
  return new TextDecoder().decode(name);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
