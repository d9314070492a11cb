import type { GrpcHead } from "../grpc/grpc-head.ts";
import type { HeaderList } from "./hpack-decoder.ts";

/** A request's header fields, checked (RFC 9113 section 8). May be shared by requests that sent equal blocks. */
export interface RequestHead {
  readonly method: string;
  /** `:path`; `*` only for OPTIONS; the authority for CONNECT. */
  readonly target: string;
  readonly authority: string | undefined;
  /** Regular fields in order, lower-case names. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Announced body length in bytes; -1 when not announced. */
  readonly contentLength: number;
  readonly contentType: string | undefined;
  /** Over the limit of bytes or fields; some fields are missing. */
  readonly oversized: boolean;
  /** What gRPC made of the fields; filled by gRPC when first asked, so that a repeated head is read once. */
  grpc: GrpcHead | undefined;
}

/** A field's value by its lower-case name; repeated ones joined by `, ` (cookies by `; `). */
export function fieldValue(head: RequestHead, name: string): string | undefined {
  const { names, values } = head;
  let joined: string | undefined;
  for (let index = 0; index < names.length; index++) {
    if (names[index] !== name) continue;
    joined = joined === undefined ? values[index]! : `${joined}${name === "cookie" ? "; " : ", "}${values[index]!}`;
  }
  return joined;
}

const NAME_OCTET = octetTable((octet) => octet > 0x20 && octet < 0x7f && octet !== 0x3a && (octet < 0x41 || octet > 0x5a));
const VALUE_OCTET = octetTable((octet) => octet !== 0 && octet !== 0x0a && octet !== 0x0d);

function octetTable(allowed: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (allowed(octet) ? 1 : 0));
}

function consistsOf(table: Uint8Array, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (table[text.charCodeAt(index)] !== 1) return false;
  return true;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function fieldFault(name: string, value: string): string | undefined {
  if (name === "" || !consistsOf(NAME_OCTET, name)) return "a field name is not a lower-case token";
  if (!consistsOf(VALUE_OCTET, value)) return `the value of "${name}" holds a forbidden octet`;
  if (value !== "" && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))) {
    return `the value of "${name}" begins or ends with a blank`;
  }
  switch (name) {
    case "connection":
    case "keep-alive":
    case "proxy-connection":
    case "transfer-encoding":
    case "upgrade":
      return `the field "${name}" belongs to HTTP/1`;
    case "te":
      return value === "trailers" ? undefined : 'the field "te" is not "trailers"';
    default:
      return undefined;
  }
}

/** Reads a request's header block; a string says why it is malformed (a stream error of PROTOCOL_ERROR). */
export function readRequestHead(list: HeaderList): RequestHead | string {
  const { names, values } = list;
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let regular = 0;
  for (; regular < names.length; regular++) {
    const name = names[regular]!;
    if (name.charCodeAt(0) !== 0x3a) break;
    const value = values[regular]!;
    if (!consistsOf(VALUE_OCTET, value)) return `the value of "${name}" holds a forbidden octet`;
    if (name === ":method" && method === undefined) method = value;
    else if (name === ":scheme" && scheme === undefined) scheme = value;
    else if (name === ":path" && path === undefined) path = value;
    else if (name === ":authority" && authority === undefined) authority = value;
    else return "a pseudo-field is unknown or repeated";
  }
  let contentLength = -1;
  let contentType: string | undefined;
  let host: string | undefined;
  for (let index = regular; index < names.length; index++) {
    const name = names[index]!;
    const value = values[index]!;
    const fault = fieldFault(name, value);
    if (fault !== undefined) return fault;
    if (name === "content-length") {
      if (!/^[0-9]{1,15}$/.test(value)) return "content-length is not a number";
      const length = Number(value);
      if (contentLength >= 0 && contentLength !== length) return "content-length is repeated with another value";
      contentLength = length;
    } else if (name === "content-type") contentType ??= value;
    else if (name === "host") {
      if (host !== undefined) return '"host" is repeated';
      host = value;
    }
  }
  if (authority !== undefined && host !== undefined && authority !== host) return '"host" differs from ":authority"';
  const target = method === "CONNECT" ? connectTarget(scheme, path, authority) : originTarget(method, scheme, path);
  if (method === undefined || target === undefined) {
    if (!list.oversized) return "a pseudo-field is missing or malformed";
  }
  return {
    method: method ?? "GET",
    target: target ?? "/",
    authority: authority ?? host,
    names: names.slice(regular),
    values: values.slice(regular),
    contentLength,
    contentType,
    oversized: list.oversized,
    grpc: undefined,
  };
}

function originTarget(method: string | undefined, scheme: string | undefined, path: string | undefined): string | undefined {
  if (method === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) || !scheme || path === undefined) return undefined;
  if (path === "*" && method === "OPTIONS") return path;
  return /^\/[\x21-\x22\x24-\x7e\x80-\xff]*$/.test(path) ? path : undefined;
}

function connectTarget(scheme: string | undefined, path: string | undefined, authority: string | undefined): string | undefined {
  return scheme === undefined && path === undefined && authority ? authority : undefined;
}

/** Checks a block that follows a body; a string says why it is malformed. */
export function trailersFault(list: HeaderList): string | undefined {
  for (let index = 0; index < list.names.length; index++) {
    if (list.names[index]!.charCodeAt(0) === 0x3a) return "a pseudo-field stands among the trailers";
    const fault = fieldFault(list.names[index]!, list.values[index]!);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
