import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type ScalarValue, takeEnum, takeScalar } from "./scalar-value.ts";
import { describeToken, type Token, Tokenizer } from "./tokenizer.ts";

/** Where a message stands in a text: offsets of its field's name (in a list, of its brace), its opening brace, and behind its closing one. */
export interface MessageSpan {
  readonly start: number;
  readonly open: number;
  readonly end: number;
}

/** Is told of each message inside the outermost one once it is read. */
export type OnMessage = (message: Message, span: MessageSpan) => void;

/** What to do with a field that the message does not have: an extension and an `Any` written out are such fields too. */
export type UnknownFields = "refuse" | "skip";

/** How deep messages may be nested, the outermost one included. */
const DEPTH_LIMIT = 100;

/**
 * Reads a message written in protobuf text format (https://protobuf.dev/reference/protobuf/textformat-spec/).
 *
 * protobuf-es brings a reader of its own; this one exists because that one's errors hold no place in the text, which a
 * person with a config of a thousand lines needs. Tests compare the two.
 *
 * Accepts every form the specification allows except extensions and `Any` written out as `[type.googleapis.com/x] {}`. With `unknown`
 * "skip" those and fields that the schema lacks are passed over; they are refused by default, since they would be typing errors in what
 * people write.
 *
 * @throws ServingError invalid-argument, `LINE:COL: what is wrong`
 */
export function parseTextFormat<Schema extends DescMessage>(
  schema: Schema,
  text: string,
  onMessage?: OnMessage,
  unknown: UnknownFields = "refuse",
): MessageShape<Schema> {
  const message = create(schema);
  new Parser(text, onMessage, unknown).readFields(reflect(schema, message), undefined, 1);
  return message;
}

/** Which single fields and oneofs a message block has set so far. */
interface Seen {
  readonly fields: Set<DescField>;
  readonly oneofs: Map<DescOneof, DescField>;
}

type Close = "}" | ">";
type ListField = DescField & { fieldKind: "list" };
type MapField = DescField & { fieldKind: "map" };

class Parser {
  readonly #tokens: Tokenizer;
  readonly #onMessage: OnMessage | undefined;
  readonly #unknown: UnknownFields;
  /** Behind the last message that was closed. */
  #end = 0;

  constructor(text: string, onMessage: OnMessage | undefined, unknown: UnknownFields) {
    this.#tokens = new Tokenizer(text);
    this.#onMessage = onMessage;
    this.#unknown = unknown;
  }

  /** Fields up to the closing brace, or to the end of the text for the outermost message. */
  readFields(target: ReflectMessage, close: Close | undefined, depth: number): void {
    this.#checkDepth(depth);
    const seen: Seen = { fields: new Set(), oneofs: new Map() };
    while (!this.#takeEnd(close)) {
      this.#readField(target, seen, depth);
      this.#takeSeparator();
    }
  }

  #readField(target: ReflectMessage, seen: Seen, depth: number): void {
    const name = this.#tokens.take();
    const field = name.kind === "identifier" ? target.fields.find((each) => each.name === name.text) : undefined;
    if (field === undefined && this.#unknown === "skip") {
      this.#skipField(name, depth);
      return;
    }
    if (name.kind === "symbol" && name.text === "[") this.#refuseBracketedName(target.desc, name.offset);
    if (name.kind !== "identifier") {
      throw this.#tokens.error(
        name.offset,
        `expected a field name of message ${target.desc.typeName}, got ${describeToken(name)}`,
      );
    }
    if (!field) throw this.#tokens.error(name.offset, `message ${target.desc.typeName} has no field "${name.text}"`);
    this.#checkSetOnce(field, seen, name.offset);

    switch (field.fieldKind) {
      case "scalar":
        this.#requireColon(field.name);
        target.set(field, takeScalar(this.#tokens, field.scalar));
        break;
      case "enum":
        this.#requireColon(field.name);
        target.set(field, takeEnum(this.#tokens, field.enum));
        break;
      case "message":
        this.#tokens.takeSymbol(":");
        target.set(field, this.#readMessage(field.message, depth, name.offset));
        break;
      case "list":
        if (field.listKind === "message") this.#tokens.takeSymbol(":");
        else this.#requireColon(field.name);
        this.#readElements((alone) => {
          const start = alone ? name.offset : this.#tokens.peek().offset;
          target.get(field).add(this.#readElement(field, depth, start));
        });
        break;
      case "map":
        this.#tokens.takeSymbol(":");
        this.#readElements(() => {
          const [key, value] = this.#readEntry(field, depth + 1);
          target.get(field).set(key, value);
        });
        break;
    }
  }

  /** One element, alone, or several as `[a, b]`. */
  #readElements(read: (alone: boolean) => void): void {
    if (!this.#tokens.takeSymbol("[")) {
      read(true);
      return;
    }
    if (this.#tokens.takeSymbol("]")) return;
    do read(false);
    while (this.#tokens.takeSymbol(","));
    if (!this.#tokens.takeSymbol("]")) throw this.#unexpected('"," or "]"');
  }

  #readElement(field: ListField, depth: number, start: number): ScalarValue | ReflectMessage {
    switch (field.listKind) {
      case "scalar":
        return takeScalar(this.#tokens, field.scalar);
      case "enum":
        return takeEnum(this.#tokens, field.enum);
      case "message":
        return this.#readMessage(field.message, depth, start);
    }
  }

  #readMessage(schema: DescMessage, depth: number, start: number): ReflectMessage {
    const { offset: open } = this.#tokens.peek();
    const close = this.#takeOpen();
    const message = reflect(schema);
    this.readFields(message, close, depth + 1);
    this.#onMessage?.(message.message, { start, open, end: this.#end });
    return message;
  }

  /** `{ key: k value: v }`; what is left out is the type's zero. */
  #readEntry(field: MapField, depth: number): [ScalarValue, ScalarValue | ReflectMessage] {
    this.#checkDepth(depth);
    const close = this.#takeOpen();
    let key: ScalarValue | undefined;
    let value: ScalarValue | ReflectMessage | undefined;
    while (!this.#takeEnd(close)) {
      const name = this.#tokens.take();
      const part = name.kind === "identifier" ? name.text : undefined;
      if (part === "key" && key === undefined) {
        this.#requireColon(part);
        key = takeScalar(this.#tokens, field.mapKey);
      } else if (part === "value" && value === undefined) {
        value = this.#readEntryValue(field, depth);
      } else {
        throw this.#tokens.error(
          name.offset,
          `an entry of map "${field.name}" holds one key and one value, got ${describeToken(name)}`,
        );
      }
      this.#takeSeparator();
    }
    return [key ?? zeroOf(field.mapKey), value ?? zeroValue(field)];
  }

  #readEntryValue(field: MapField, depth: number): ScalarValue | ReflectMessage {
    if (field.mapKind === "message") {
      this.#tokens.takeSymbol(":");
      return this.#readMessage(field.message, depth, this.#tokens.peek().offset);
    }
    this.#requireColon("value");
    return field.mapKind === "enum" ? takeEnum(this.#tokens, field.enum) : takeScalar(this.#tokens, field.scalar);
  }

  /** Steps over a field that nobody knows, whose name was taken: a word, a number, or `[a/name]`. Only a scalar needs its colon. */
  #skipField(name: Token, depth: number): void {
    if (name.kind === "symbol" && name.text === "[") this.#tokens.takeBracketedName();
    else if (name.kind !== "identifier" && name.kind !== "integer") {
      throw this.#tokens.error(name.offset, `expected a field name, got ${describeToken(name)}`);
    }
    const colon = this.#tokens.takeSymbol(":");
    this.#readElements(() => this.#skipValue(colon, depth + 1));
  }

  #skipValue(scalars: boolean, depth: number): void {
    const first = this.#tokens.peek();
    if (!scalars || (first.kind === "symbol" && (first.text === "{" || first.text === "<"))) {
      this.#checkDepth(depth);
      const close = this.#takeOpen();
      while (!this.#takeEnd(close)) {
        this.#skipField(this.#tokens.take(), depth);
        this.#takeSeparator();
      }
      return;
    }
    this.#tokens.takeSymbol("-");
    const value = this.#tokens.peek();
    if (value.kind === "symbol" || value.kind === "end") throw this.#unexpected("a value");
    this.#tokens.take();
    // A string may be written in pieces.
    if (value.kind === "string") while (this.#tokens.peek().kind === "string") this.#tokens.take();
  }

  #checkSetOnce(field: DescField, seen: Seen, offset: number): void {
    if (field.fieldKind === "list" || field.fieldKind === "map") return;
    if (seen.fields.has(field))
      throw this.#tokens.error(offset, `field "${field.name}" of message ${field.parent.typeName} is set twice`);
    seen.fields.add(field);
    if (!field.oneof) return;
    const other = seen.oneofs.get(field.oneof);
    if (other) throw this.#tokens.error(offset, `field "${field.name}" excludes field "${other.name}", which is set already`);
    seen.oneofs.set(field.oneof, field);
  }

  #refuseBracketedName(owner: DescMessage, offset: number): never {
    const name = this.#tokens.takeBracketedName();
    const fault =
      owner.typeName === "google.protobuf.Any"
        ? `google.protobuf.Any cannot be written out as "[${name}]" here, no message type may be named in this text`
        : `message ${owner.typeName} has no extension "[${name}]"`;
    throw this.#tokens.error(offset, fault);
  }

  #checkDepth(depth: number): void {
    if (depth > DEPTH_LIMIT)
      throw this.#tokens.error(this.#tokens.peek().offset, `messages are nested deeper than ${DEPTH_LIMIT}`);
  }

  #takeOpen(): Close {
    if (this.#tokens.takeSymbol("{")) return "}";
    if (this.#tokens.takeSymbol("<")) return ">";
    throw this.#unexpected('"{" or "<"');
  }

  #takeEnd(close: Close | undefined): boolean {
    const { offset } = this.#tokens.peek();
    if (close !== undefined && this.#tokens.takeSymbol(close)) {
      this.#end = offset + close.length;
      return true;
    }
    if (this.#tokens.peek().kind !== "end") return false;
    if (close === undefined) return true;
    throw this.#unexpected(`"${close}"`);
  }

  #takeSeparator(): void {
    if (!this.#tokens.takeSymbol(",")) this.#tokens.takeSymbol(";");
  }

  #requireColon(name: string): void {
    if (!this.#tokens.takeSymbol(":")) throw this.#unexpected(`":" behind "${name}"`);
  }

  #unexpected(expected: string): Error {
    const token = this.#tokens.peek();
    return this.#tokens.error(token.offset, `expected ${expected}, got ${describeToken(token)}`);
  }
}

function zeroValue(field: MapField): ScalarValue | ReflectMessage {
  switch (field.mapKind) {
    case "message":
      return reflect(field.message);
    case "enum":
      return field.enum.values[0]!.number;
    case "scalar":
      return zeroOf(field.scalar);
  }
}

function zeroOf(type: ScalarType): ScalarValue {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return new Uint8Array();
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return 0n;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return 0;
  }
}
