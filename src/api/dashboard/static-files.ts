import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip, constants as zlib } from "node:zlib";
import { ServingError } from "../../base/serving-error.ts";
import type { HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { isKnownTag } from "../if-none-match.ts";
import { acceptedCoding, CODINGS, type StaticCoding } from "./accepted-coding.ts";

/** The types of a built page's files; others are not served. */
const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".json", "application/json"],
  [".png", "image/png"],
  [".webp", "image/webp"],
  [".ico", "image/x-icon"],
  [".woff2", "font/woff2"],
]);

/** Kinds of files that are compressed already. */
const DENSE: ReadonlySet<string> = new Set([".png", ".webp", ".woff2"]);

/** The build puts a hash of the content into the names of these: one name always has one content. */
const ASSETS = "assets/";

const BROTLI_QUALITY = 9;
const BROTLI = { params: { [zlib.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };
const EMPTY = new Uint8Array(0);

interface StaticFile {
  readonly type: string;
  readonly plain: Uint8Array;
  readonly coded: ReadonlyMap<StaticCoding, Uint8Array>;
  /** Without quotes, as that of the plain bytes. */
  readonly tag: string;
  readonly immutable: boolean;
}

/** The files of a built page, all in memory. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  /** By name, relative to the page's folder, with `/` between the parts. */
  constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  /**
   * Reads `index.html` and what is in `assets` of a folder, and compresses it. Rejects with a ServingError failed-precondition when the
   * page has not been built.
   */
  static async read(folder: string): Promise<StaticFiles> {
    let names: readonly string[];
    try {
      names = ["index.html", ...(await readdir(join(folder, ASSETS))).map((name) => `${ASSETS}${name}`)];
    } catch (cause) {
      throw new ServingError("failed-precondition", "the dashboard is not built: run npm run build", { cause });
    }
    const known = names.filter((name) => TYPES.has(extname(name)));
    return new StaticFiles(
      new Map(await Promise.all(known.map(async (name) => [name, await readStatic(folder, name)] as const))),
    );
  }

  /** The answer to a GET or HEAD of a file by its name; undefined when there is none. */
  answer(name: string, request: HttpRequest): HttpResponse | undefined {
    const file = this.#files.get(name);
    if (file === undefined) return undefined;
    const coding = acceptedCoding(request.header("accept-encoding"));
    const coded = coding && file.coded.get(coding);
    // A tag names the very bytes: each coding has its own.
    const tag = `"${coded === undefined ? file.tag : `${file.tag}-${coding}`}"`;
    const headers: [string, string][] = [
      ["cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"],
      ["etag", tag],
      ["vary", "accept-encoding"],
    ];
    if (isKnownTag(request.header("if-none-match"), tag)) return { status: 304, headers, body: EMPTY };
    headers.push(["content-type", file.type]);
    if (coded !== undefined) headers.push(["content-encoding", coding!]);
    return { status: 200, headers, body: coded ?? file.plain };
  }
}

const compress: Readonly<Record<StaticCoding, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, BROTLI),
  gzip: (bytes) => promisify(gzip)(bytes, { level: zlib.Z_BEST_COMPRESSION }),
};

async function readStatic(folder: string, name: string): Promise<StaticFile> {
  const plain = await readFile(join(folder, name)).catch((cause: unknown) => {
    throw new ServingError("failed-precondition", `the dashboard's ${name} cannot be read: build it anew`, { cause });
  });
  const extension = extname(name);
  const codings = DENSE.has(extension) ? [] : CODINGS;
  const coded = await Promise.all(codings.map(async (coding) => [coding, await compress[coding](plain)] as const));
  return {
    type: TYPES.get(extension)!,
    plain,
    coded: new Map(coded.filter(([, bytes]) => bytes.length < plain.length)),
    tag: createHash("sha256").update(plain).digest("base64url").slice(0, 22),
    immutable: name.startsWith(ASSETS),
  };
}
