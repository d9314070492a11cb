/** Longest reason that is repeated from another program. */
const MAX_LENGTH = 300;

/** What another program said, as part of a message of ours: one line of bounded length, no address, no path but its last name. */
export function withoutPlaces(text: string): string {
  const line = text
    .replace(/\s+/g, " ")
    .replace(/[a-z][a-z0-9+.-]*:\/\/[^\s'")]+/gi, "(address)")
    .replace(/host='[^']*'/g, "host")
    .replace(/(^|[\s'"([=])(?:[A-Za-z]:)?[\\/](?:[^\s'"():;,]*[\\/])?/g, "$1")
    .trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}
