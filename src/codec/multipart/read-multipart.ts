import { setImmediate } from "node:timers/promises";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { ServingError } from "../../base/serving-error.ts";
import { findParts, multipartBoundary, type PartPlace } from "./multipart-framing.ts";

/** How much a form may hold. */
export interface MultipartLimits {
  /** Most parts, fields and files together. */
  readonly parts: number;
  /** Longest value of a field, in bytes; files are bounded by the body alone. */
  readonly fieldBytes: number;
  /** Most bytes of one part's headers. */
  readonly headerBytes: number;
}

/** A file of a form. */
export interface MultipartFile {
  /** The field it was sent in. */
  readonly field: string;
  /** The content type its part declares, in lower case; not to be relied on. */
  readonly type: string;
  /** The client's name for it, cut and without folders or control characters: for messages alone. "" where it has none. */
  readonly label: string;
  /** A view of the body. */
  readonly bytes: Uint8Array;
}

/** A `multipart/form-data` body. */
export interface MultipartForm {
  /** Values by name, in the order sent. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** In the order sent. */
  readonly files: readonly MultipartFile[];
}

/** What requests may hold unless told otherwise. */
export const MULTIPART_LIMITS: MultipartLimits = { parts: 100, fieldBytes: 1024 * 1024, headerBytes: 16 * 1024 };

/** Codings of a part that leave its bytes as they are. */
const PLAIN_CODINGS: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

const LONGEST_NAME = 256;
const LONGEST_LABEL = 64;

/** Bytes parsed before others have their turn: about two milliseconds. */
const PARSED_A_TURN = 256 * 1024;

/** So much of a part the parser is always shown: it may hold back as many bytes as the line between parts has. */
const SHOWN_BYTES = 128;

/**
 * Reads a form from memory; nothing is written anywhere. The files are views of the body. Of a large form others have their turn between
 * its pieces, during which the body must stay as it is.
 *
 * Rejects with invalid-argument that says what is wrong: another content type, no boundary or one of more than 70 characters, no end,
 * a part without a name or with headers that cannot be read, or more than the limits allow.
 */
export async function readMultipart(
  contentType: string | undefined,
  body: Uint8Array,
  limits: MultipartLimits = MULTIPART_LIMITS,
): Promise<MultipartForm> {
  const boundary = multipartBoundary(contentType);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const places = await findParts(bytes, boundary, limits);
  if (places.length === 0) return { fields: new Map(), files: [] };
  const gathered = new GatheredForm(limits);
  await gathered.parse(bytes, boundary, places);
  // The parser leaves out what it cannot make sense of.
  const lost = places.length - gathered.count;
  if (lost !== 0) throw invalid(`${lost} of its ${places.length} parts have no name, or headers that cannot be read`);
  return gathered.form(bytes, places);
}

/** What the parser has found so far; the first fault counts. */
class GatheredForm {
  count = 0;
  private readonly limits: MultipartLimits;
  /** Whether each part is a file, but for those that the parser leaves out. */
  private readonly areFiles: boolean[] = [];
  private readonly fields = new Map<string, string[]>();
  private readonly files: Omit<MultipartFile, "bytes">[] = [];
  private fault: ServingError | undefined;

  constructor(limits: MultipartLimits) {
    this.limits = limits;
  }

  /** Shows the parser headers and fields. What files hold it need not see: where that lies is known. */
  async parse(body: Buffer, boundary: string, places: readonly PartPlace[]): Promise<void> {
    const parser = this.makeParser(boundary, body.length);
    const over = new Promise<void>((resolve, reject) => {
      parser.on("error", (cause) => reject(invalid("it cannot be read", { cause })));
      parser.on("finish", resolve);
    });
    // Nobody may be waiting at the moment that it fails.
    over.catch(() => {});
    let sinceTurn = 0;
    const show = async (from: number, to: number) => {
      if (sinceTurn >= PARSED_A_TURN) {
        sinceTurn = 0;
        await setImmediate();
      }
      sinceTurn += to - from;
      const taken = new Promise<void>((resolve) => parser.write(body.subarray(from, to), () => resolve()));
      await Promise.race([taken, over]);
    };
    for (const [index, { start, content, end }] of places.entries()) {
      const shown = Math.min(end, content + SHOWN_BYTES);
      await show(start, shown);
      // One byte more than a field may have tells that it is too long.
      const last = this.areFiles[index] === true ? shown : Math.min(end, content + this.limits.fieldBytes + 1);
      for (let at = shown; at < last; at += PARSED_A_TURN) await show(at, Math.min(last, at + PARSED_A_TURN));
    }
    parser.end(`\r\n--${boundary}--`);
    await over;
    if (this.fault !== undefined) throw this.fault;
  }

  form(body: Buffer, places: readonly PartPlace[]): MultipartForm {
    const contents = places.filter((_, index) => this.areFiles[index]).map(({ content, end }) => body.subarray(content, end));
    return { fields: this.fields, files: this.files.map((file, index) => ({ ...file, bytes: contents[index]! })) };
  }

  private makeParser(boundary: string, bodyBytes: number): InstanceType<typeof Busboy> {
    const { fieldBytes, headerBytes, parts } = this.limits;
    const parser = new Busboy({
      headers: { "content-type": `multipart/form-data; boundary="${boundary}"` },
      // The body is all here: the parser must wait for nobody to read, which it would for ever before a part that it leaves out.
      fileHwm: bodyBytes + 1,
      limits: { fieldSize: fieldBytes, headerSize: headerBytes, parts },
      isPartAFile: (_field, type, name) => {
        const isFile = name !== undefined || type === "application/octet-stream" || type?.startsWith("image/") === true;
        this.areFiles.push(isFile);
        return isFile;
      },
    });
    parser.on("field", (name, value, _nameCut, cut, coding) => this.addField(name, value, cut, coding));
    parser.on("file", (field, stream, label, coding, type) => this.addFile(field, stream, label, coding, type));
    return parser;
  }

  private addField(name: string | undefined, value: string, cut: boolean, coding: string): void {
    if (!this.accept(name, coding)) return;
    if (cut) this.fault ??= invalid(`field "${name}" is longer than ${this.limits.fieldBytes} bytes`);
    const values = this.fields.get(name);
    if (values === undefined) this.fields.set(name, [value]);
    else values.push(value);
  }

  private addFile(
    field: string | undefined,
    stream: BusboyFileStream,
    name: string | undefined,
    coding: string,
    type: string,
  ): void {
    stream.resume();
    stream.on("error", (cause) => (this.fault ??= invalid("it ends within a file", { cause })));
    if (this.accept(field, coding)) this.files.push({ field, type, label: labelOf(name) });
  }

  private accept(name: string | undefined, coding: string): name is string {
    if (name === undefined || name === "") return false;
    this.count++;
    if (name.length > LONGEST_NAME) this.fault ??= invalid(`a field's name has ${name.length} characters, of ${LONGEST_NAME}`);
    if (!PLAIN_CODINGS.has(coding.trim())) {
      this.fault ??= invalid(
        `field "${name.slice(0, LONGEST_NAME)}" has a content-transfer-encoding; send its bytes as they are`,
      );
    }
    return true;
  }
}

/** A client's file name as messages may repeat it. */
function labelOf(name: string | undefined): string {
  const base = (name ?? "").replace(/^.*[/\\]/su, "").replace(/[\p{C}"]/gu, "");
  return base.length <= LONGEST_LABEL ? base : `${base.slice(0, LONGEST_LABEL)}...`;
}

function invalid(rest: string, options?: ErrorOptions): ServingError {
  return new ServingError("invalid-argument", `the form (multipart/form-data) is not right: ${rest}`, options);
}
