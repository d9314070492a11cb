/** HTTP/1 read the obvious way, for inputs that the parsers accepted. */

/** A head as lines tell it. */
export interface PlainHead {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** -1 for a body in chunks. */
  readonly bodyLength: number;
  readonly keepAlive: boolean;
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;

/** Reads a head without the empty line before or after it; throws when it is not well formed. */
export function plainHead(text: string): PlainHead {
  const [line = "", ...rest] = text.split("\r\n");
  const start = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.([0-9])$/.exec(line);
  if (start === null) throw new Error(`accepted the request line ${JSON.stringify(line)}`);
  const fields = rest.map((each): readonly [string, string] => {
    const field = FIELD.exec(each);
    if (field === null) throw new Error(`accepted the field ${JSON.stringify(each)}`);
    return [field[1]!.toLowerCase(), field[2]!];
  });
  const valuesOf = (name: string) => fields.filter(([each]) => each === name).map(([, value]) => value);
  const codings = valuesOf("transfer-encoding");
  const lengths = valuesOf("content-length");
  if (valuesOf("host").length > 1 || codings.length + lengths.length > 1) throw new Error("accepted an ambiguous head");
  if (lengths.some((length) => !/^[0-9]+$/.test(length))) throw new Error("accepted a malformed length");
  if (codings.some((coding) => coding.toLowerCase() !== "chunked")) throw new Error("accepted an unknown coding");
  const options = valuesOf("connection")
    .join()
    .toLowerCase()
    .split(",")
    .map((option) => option.replace(/^[ \t]+|[ \t]+$/g, ""));
  const minorVersion = start[3] === "0" ? 0 : 1;
  return {
    method: start[1]!,
    target: start[2]!,
    minorVersion,
    fields,
    bodyLength: codings.length > 0 ? -1 : Math.min(Number(lengths[0] ?? 0), Number.MAX_SAFE_INTEGER),
    keepAlive: !options.includes("close") && (minorVersion === 1 || options.includes("keep-alive")),
  };
}

/** The body in chunks at the start of a text, and where it ends. Throws when it is not well formed. */
export function plainChunks(text: string): { readonly body: string; readonly end: number } {
  let body = "";
  let at = 0;
  for (;;) {
    const size = /^([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n/.exec(text.slice(at));
    if (size === null) throw new Error(`accepted the chunk size at ${at}`);
    at += size[0].length;
    const length = Number.parseInt(size[1]!, 16);
    if (length === 0) break;
    body += text.slice(at, at + length);
    at += length;
    if (text.slice(at, at + 2) !== "\r\n") throw new Error(`accepted the chunk that ends at ${at}`);
    at += 2;
  }
  const trailers = /^(?:[^\r\n:]+:[^\r\n]*\r\n)*\r\n/.exec(text.slice(at));
  if (trailers === null) throw new Error(`accepted the trailers at ${at}`);
  return { body, end: at + trailers[0].length };
}
