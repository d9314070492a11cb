import { ServingError } from "../../base/serving-error.ts";
import { PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";

const MAGIC = Buffer.from("\x93NUMPY", "latin1");
const LONGEST_HEADER = 1 << 16;
/** Lists within one another in a header. */
const MOST_DEPTH = 8;
const DTYPE = new PickleName("numpy", "dtype");
const TYPE = /^([<>=|])([A-Za-z])(\d+)(\[.*\])?$/;

/**
 * The array in a file of numpy's (`.npy`, versions 1 to 3), as a pickle would have it: `NumpyArray.of` reads it. Its bytes are a view.
 *
 * @throws ServingError data-loss for a damaged file; unimplemented for an array of objects, or of arrays within records
 */
export function readNpy(bytes: Uint8Array): PickleObject {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 12 || !file.subarray(0, 6).equals(MAGIC)) throw damaged("does not begin as such");
  const version = file[6];
  if (version < 1 || version > 3)
    throw new ServingError("unimplemented", `an array's file is of version ${version}: 1 to 3 are read`);
  const [start, length] = version === 1 ? [10, file.readUInt16LE(8)] : [12, file.readUInt32LE(8)];
  if (length > LONGEST_HEADER || start + length > file.length) throw damaged("has no header");
  const header = new HeaderReader(file.toString(version === 3 ? "utf8" : "latin1", start, start + length)).read();
  if (!(header instanceof Map)) throw damaged("has no header");
  const fortran = header.get("fortran_order");
  if (typeof fortran !== "boolean") throw damaged("does not say its order");
  const shape = header.get("shape");
  const type = typeOf(header.get("descr") ?? null);
  const array = new PickleObject(new PickleName("numpy.core.multiarray", "_reconstruct"), []);
  array.state = [1, shape ?? null, type, fortran, file.subarray(start + length)];
  return array;
}

/** A type as a pickle has it. */
function typeOf(description: PickleValue): PickleObject {
  if (Array.isArray(description)) return recordOf(description);
  const match = typeof description === "string" ? TYPE.exec(description) : null;
  if (match === null) throw damaged("has no type");
  const [, order, kind, size] = match;
  if (kind === "O") throw new ServingError("unimplemented", "an array's file has objects, which would be a pickle");
  const type = new PickleObject(DTYPE, [`${kind}${size}`, false, true]);
  type.state = [3, order, null, null, null, -1, -1, 0];
  return type;
}

/** Records: their fields follow one another, and gaps are fields without a name. */
function recordOf(description: readonly PickleValue[]): PickleObject {
  const fields = new Map<PickleValue, PickleValue>();
  let offset = 0;
  for (const field of description) {
    if (!Array.isArray(field)) throw damaged("has a record of no fields");
    if (field.length !== 2) throw new ServingError("unimplemented", "an array's file has arrays within its records");
    // A title and a name may stand for a name.
    const name = Array.isArray(field[0]) ? field[0][1] : field[0];
    const type = typeOf(field[1]);
    if (typeof name !== "string" || Array.isArray(field[1])) throw damaged("has a record of no fields");
    if (name !== "") fields.set(name, [type, offset]);
    offset += sizeOf(type);
  }
  const type = new PickleObject(DTYPE, [`V${offset}`, false, true]);
  type.state = [3, "|", null, null, fields, offset, 1, 0];
  return type;
}

function sizeOf({ args }: PickleObject): number {
  const text = (args as readonly string[])[0];
  const size = Number(text.slice(1));
  return text.startsWith("U") ? size * 4 : size;
}

/** The header is an expression of Python's: a dictionary of texts, numbers, truths, tuples and lists. */
class HeaderReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): PickleValue {
    const value = this.#value();
    if (this.#text.slice(this.#at).trim() !== "") throw damaged("has something behind its header");
    return value;
  }

  #value(): PickleValue {
    const sign = this.#next();
    switch (sign) {
      case "{":
        return this.#dictionary();
      case "(":
        return this.#list(")");
      case "[":
        return this.#list("]");
      case "'":
      case '"':
        return this.#string(sign);
      default:
        this.#at--;
        return this.#word();
    }
  }

  /** The next sign that is no blank. */
  #next(): string {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\n") this.#at++;
    if (this.#at >= this.#text.length) throw damaged("has a header that breaks off");
    return this.#text[this.#at++];
  }

  /** Whether a list ends here; its comma is passed over otherwise. */
  #ends(end: string, isFirst: boolean): boolean {
    let sign = this.#next();
    if (sign === end) return true;
    if (!isFirst) {
      if (sign !== ",") throw damaged("has a header that cannot be read");
      sign = this.#next();
      if (sign === end) return true;
    }
    this.#at--;
    return false;
  }

  #list(end: string): PickleValue[] {
    if (++this.#depth > MOST_DEPTH) throw damaged("has a header of lists within lists");
    const values: PickleValue[] = [];
    while (!this.#ends(end, values.length === 0)) values.push(this.#value());
    this.#depth--;
    return values;
  }

  #dictionary(): Map<PickleValue, PickleValue> {
    if (++this.#depth > MOST_DEPTH) throw damaged("has a header of lists within lists");
    const values = new Map<PickleValue, PickleValue>();
    while (!this.#ends("}", values.size === 0)) {
      const key = this.#value();
      if (this.#next() !== ":") throw damaged("has a header that cannot be read");
      values.set(key, this.#value());
    }
    this.#depth--;
    return values;
  }

  #string(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at);
    const text = this.#text.slice(this.#at, end);
    // Names of fields that numpy would have to escape are none of a model's.
    if (end < 0 || text.includes("\\")) throw damaged("has a header that cannot be read");
    this.#at = end + 1;
    return text;
  }

  #word(): PickleValue {
    const [word] = /^(True|False|\d{1,16}L?)/.exec(this.#text.slice(this.#at, this.#at + 20)) ?? [];
    if (word === undefined) throw damaged("has a header that cannot be read");
    this.#at += word.length;
    // Python 2 wrote an `L` behind long numbers.
    return word === "True" ? true : word === "False" ? false : Number(word.replace("L", ""));
  }
}

function damaged(what: string): ServingError {
  return new ServingError("data-loss", `an array's file (.npy) ${what}`);
}
