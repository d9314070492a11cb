import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { ServingError } from "../../base/serving-error.ts";
import { checkParts, multipartBoundary } from "./multipart-framing.ts";

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

/**
 * Reads a form from memory; nothing is written anywhere. The files are copies.
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
  const parts = checkParts(bytes, boundary, limits);
  if (parts === 0) return { fields: new Map(), files: [] };
  const gathered = new GatheredForm();
  await gathered.parse(bytes, boundary, limits);
  // The parser leaves out what it cannot make sense of.
  if (gathered.count !== parts) {
    throw invalid(`${parts - gathered.count} of its ${parts} parts have no name, or headers that cannot be read`);
  }
  return gathered.form();
}

/** What the parser has found so far; the first fault counts. */
class GatheredForm {
  count = 0;
  private readonly fields = new Map<string, string[]>();
  private readonly files: { readonly field: string; readonly type: string; readonly label: string; readonly pieces: Buffer[] }[] =
    [];
  private fault: ServingError | undefined;

  parse(body: Buffer, boundary: string, limits: MultipartLimits): Promise<void> {
    return new Promise((resolve, reject) => {
      const parser = new Busboy({
        headers: { "content-type": `multipart/form-data; boundary="${boundary}"` },
        // The body is all here: the parser must wait for nobody to read, which it would for ever before a part that it leaves out.
        fileHwm: body.length + 1,
        limits: { fieldSize: limits.fieldBytes, headerSize: limits.headerBytes, parts: limits.parts },
        isPartAFile: (_field, type, name) =>
          name !== undefined || type === "application/octet-stream" || type?.startsWith("image/") === true,
      });
      parser.on("field", (name, value, _nameCut, cut, coding) => this.addField(name, value, cut, coding, limits));
      parser.on("file", (field, stream, label, coding, type) => this.addFile(field, stream, label, coding, type));
      parser.on("error", (cause) => reject(invalid("it cannot be read", { cause })));
      parser.on("finish", () => (this.fault === undefined ? resolve() : reject(this.fault)));
      parser.end(body);
    });
  }

  form(): MultipartForm {
    const files = this.files.map(({ pieces, ...file }) => ({ ...file, bytes: Buffer.concat(pieces) }));
    return { fields: this.fields, files };
  }

  private addField(name: string | undefined, value: string, cut: boolean, coding: string, limits: MultipartLimits): void {
    if (!this.accept(name, coding)) return;
    if (cut) this.fault ??= invalid(`field "${name}" is longer than ${limits.fieldBytes} bytes`);
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
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("error", (cause) => (this.fault ??= invalid("it ends within a file", { cause })));
    if (this.accept(field, coding)) this.files.push({ field, type, label: labelOf(name), pieces });
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
