/**
 * Whether an `If-None-Match` value names a tag, compared weakly (RFC 9110, 13.1.2): the caller has what it asks for. `tag` with its
 * quotes.
 */
export function isKnownTag(header: string | undefined, tag: string): boolean {
  const tags = header?.split(",").map((part) => part.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(tag);
}
