/** Codings that static files are kept in, the better one first. */
export const CODINGS = ["br", "gzip"] as const;

export type StaticCoding = (typeof CODINGS)[number];

/** The coding that an `accept-encoding` value lets an answer have: the better one of those it takes; undefined for none (RFC 9110, 12.5.3). */
export function acceptedCoding(acceptEncoding: string | undefined): StaticCoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const taken = new Map<string, boolean>();
  for (const part of acceptEncoding.split(",")) {
    const [coding = "", ...parameters] = part.split(";");
    const refused = parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0{0,3})?\s*$/i.test(parameter));
    taken.set(coding.trim().toLowerCase(), !refused);
  }
  return CODINGS.find((coding) => taken.get(coding) ?? taken.get("*") ?? false);
}
