/** What a caller says of itself. */
export type Credentials =
  | { readonly kind: "basic"; readonly name: string; readonly secret: string }
  | { readonly kind: "bearer"; readonly secret: string };

const BASIC = /^basic +([a-z0-9+/]+={0,2})$/i;
const BEARER = /^bearer +([a-z0-9\-._~+/]+=*)$/i;

/** Reads an `Authorization` field (RFC 7617 with UTF-8, RFC 6750); undefined when it is neither. */
export function readCredentials(field: string): Credentials | undefined {
  const key = BEARER.exec(field)?.[1];
  if (key !== undefined) return { kind: "bearer", secret: key };
  const encoded = BASIC.exec(field)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? undefined : { kind: "basic", name: text.slice(0, colon), secret: text.slice(colon + 1) };
}
