import { ServingError } from "../../base/serving-error.ts";

const NAME = /^[0-9a-z_.-]+$/;
const TEXT = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
const BASE64 = /^[0-9A-Za-z+/]*={0,2}$/;

/** Fields that are gRPC's or HTTP/2's own. */
const RESERVED =
  /^(?:grpc-|content-type$|te$|connection$|keep-alive$|proxy-connection$|transfer-encoding$|upgrade$|content-length$)/;

/**
 * Checks a field that a method adds to its answer (gRPC's HTTP/2 mapping, "Custom-Metadata"): a lower-case name that is not reserved, and
 * printable ASCII without blanks at its ends, or base64 when the name ends in `-bin`. Throws `internal`: the method is at fault.
 */
export function checkMetadata(name: string, value: string): void {
  if (!NAME.test(name) || RESERVED.test(name)) throw new ServingError("internal", `"${name}" cannot be the name of metadata`);
  const binary = name.endsWith("-bin");
  if ((binary ? BASE64 : TEXT).test(value)) return;
  throw new ServingError("internal", `the metadata "${name}" is not ${binary ? "base64" : "printable ASCII"}`);
}

/** A `-bin` value for the wire: base64 without padding, which every client takes. */
export function encodeBinaryMetadata(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

/**
 * The values of a `-bin` field as sent: base64 with or without padding, several joined by commas. Throws `invalid-argument` for
 * anything else.
 */
export function decodeBinaryMetadata(field: string): Uint8Array[] {
  return field.split(",").map((part) => {
    const text = part.trim();
    const digits = text.replace(/=+$/, "").length;
    if (!BASE64.test(text) || digits % 4 === 1) throw new ServingError("invalid-argument", "binary metadata is not base64");
    return Buffer.from(text, "base64");
  });
}
