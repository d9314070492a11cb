import { setImmediate } from "node:timers/promises";
import { TextDecoder } from "node:util";
import { SaxesParser } from "saxes";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { Element } from "./element.ts";

/** Bytes that go to the parser at once: about 10 ms of work. */
const CHUNK_BYTES = 1 << 17;
/** Far more than nodes of trees are nested. */
const MOST_DEPTH = 2000;
const MOST_ATTRIBUTES = 1000;
/** They take about 270 bytes each, and are as many in 400 MB of trees. */
const MOST_ELEMENTS = 6_000_000;
/** Attributes whose values come again and again. */
const REPEATED = new Set(["field", "operator", "name"]);
const MOST_REPEATED = 100_000;
const ROOT = "PMML";
const NO_ATTRIBUTES: readonly string[] = [];

/**
 * Reads a document into elements: no document type definition, no entities beyond XML's five, extensions passed over.
 * @param file what errors call the file
 * @throws ServingError data-loss for what is no XML, or no PMML, unimplemented for what is too much of it
 */
export async function readXml(bytes: Buffer, file: string, signal: AbortSignal): Promise<Element> {
  const reader = new XmlReader(file);
  const decoder = decoderOf(bytes, file);
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    if (start > 0) await setImmediate();
    throwIfAborted(signal);
    reader.write(decode(decoder, bytes.subarray(start, start + CHUNK_BYTES), file, true));
  }
  reader.write(decode(decoder, undefined, file, false));
  return reader.end();
}

/** Whether a document of which these are the first bytes has PMML's root. */
export function beginsLikePmml(first: Buffer): boolean {
  const text = first.toString("latin1").replaceAll("\0", "");
  return /<(?:[\w.-]+:)?PMML[\s>]/.test(text);
}

class XmlReader {
  readonly #parser = new SaxesParser();
  readonly #file: string;
  readonly #open: Element[] = [];
  readonly #repeated = new Map<string, string>();
  #attributes: string[] = [];
  #root: Element | undefined;
  /** Elements that are open below an extension, itself among them. */
  #skipped = 0;
  #count = 0;
  /** `p:` where the root is `p:PMML`. */
  #prefix = "";

  constructor(file: string) {
    this.#file = file;
    const parser = this.#parser;
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("doctype", (doctype) => {
      if (doctype.includes("[")) throw this.#fault("defines a document type of its own, which is not read");
    });
    parser.on("attribute", ({ name, value }) => this.#attribute(name, value));
    parser.on("opentag", ({ name }) => this.#opened(name));
    parser.on("closetag", () => this.#closed());
    parser.on("text", (text) => this.#text(text));
    parser.on("cdata", (text) => this.#text(text));
  }

  write(text: string): void {
    try {
      this.#parser.write(text);
    } catch (reason) {
      throw this.#wrapped(reason);
    }
  }

  end(): Element {
    try {
      this.#parser.close();
    } catch (reason) {
      throw this.#wrapped(reason);
    }
    if (this.#root === undefined) throw this.#fault("has no element");
    return this.#root;
  }

  #attribute(name: string, value: string): void {
    if (this.#skipped > 0) return;
    if (this.#attributes.length >= 2 * MOST_ATTRIBUTES)
      throw this.#fault(`has an element of more than ${MOST_ATTRIBUTES} attributes`);
    this.#attributes.push(this.#once(name), REPEATED.has(name) ? this.#once(value) : value);
  }

  #opened(qualified: string): void {
    if (this.#open.length + this.#skipped >= MOST_DEPTH) throw this.#fault(`nests elements deeper than ${MOST_DEPTH}`);
    if (++this.#count > MOST_ELEMENTS) {
      throw new ServingError("unimplemented", `${this.#file} has more than ${MOST_ELEMENTS} elements`);
    }
    // A copy has no room to grow, which would be most of it.
    const attributes = this.#attributes.length === 0 ? NO_ATTRIBUTES : this.#attributes.slice();
    if (attributes.length > 0) this.#attributes = [];
    if (this.#root === undefined) this.#begin(qualified);
    const name = this.#prefix !== "" && qualified.startsWith(this.#prefix) ? qualified.slice(this.#prefix.length) : qualified;
    if (this.#skipped > 0 || name === "Extension") {
      this.#skipped++;
      return;
    }
    const element = new Element(this.#file, this.#parser.line, this.#once(name), attributes);
    this.#open.at(-1)?.append(element);
    this.#open.push(element);
    this.#root ??= element;
  }

  #begin(qualified: string): void {
    const at = qualified.indexOf(":");
    this.#prefix = qualified.slice(0, at + 1);
    if (qualified.slice(at + 1) !== ROOT) throw this.#fault(`has the root <${qualified.slice(0, 60)}>, not <${ROOT}>`);
  }

  #closed(): void {
    if (this.#skipped > 0) this.#skipped--;
    else this.#open.pop();
  }

  #text(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined && this.#skipped === 0 && (element.text !== "" || text.trim() !== "")) element.text += text;
  }

  #once(text: string): string {
    const known = this.#repeated.get(text);
    if (known !== undefined) return known;
    if (this.#repeated.size < MOST_REPEATED) this.#repeated.set(text, text);
    return text;
  }

  #fault(what: string): ServingError {
    return new ServingError("data-loss", `${this.#file} ${what}`);
  }

  #wrapped(reason: unknown): ServingError {
    if (reason instanceof ServingError) return reason;
    const detail = reason instanceof Error ? reason.message.slice(0, 120) : "";
    return new ServingError("data-loss", `${this.#file} is no well-formed XML (line and column ${detail})`, { cause: reason });
  }
}

/** By the byte order mark, else by the encoding that the document declares, else UTF-8. */
function decoderOf(bytes: Buffer, file: string): TextDecoder {
  const declared = /^<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(bytes.toString("latin1", 0, 200));
  const marked =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : undefined;
  const label = marked ?? declared?.[1] ?? "utf-8";
  try {
    return new TextDecoder(label, { fatal: true });
  } catch (reason) {
    throw new ServingError("unimplemented", `${file} is in the encoding "${label}", which is not known; save it in UTF-8`, {
      cause: reason,
    });
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array | undefined, file: string, stream: boolean): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (reason) {
    throw new ServingError("data-loss", `${file} is not in the encoding ${decoder.encoding}`, { cause: reason });
  }
}
