import { ServingError } from "../base/serving-error.ts";

/**
 * A part of a path with its percent escapes undone.
 * @param shown how an error repeats it, where it may be too long for that
 * @throws ServingError invalid-argument when an escape is cut off or does not give UTF-8.
 */
export function percentDecoded(text: string, shown = text): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new ServingError("invalid-argument", `Malformed percent-encoding in request: ${shown}`, { cause });
  }
}
