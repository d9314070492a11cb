/** A string, or one of the words for numbers that Python and C++ write and JSON does not have. */
const STRING_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity|nan|inf)\b/g;

/**
 * Parses JSON with `NaN`, `-Infinity` and the like in it.
 * @param standard what stands for such a word in JSON
 * @throws SyntaxError for a damaged text; what `standard` throws
 */
export function parseLooseJson(text: string, standard: (word: string) => string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Only few files have such words; for the others this would take as long as parsing.
  }
  return JSON.parse(text.replace(STRING_OR_WORD, (token) => (token.startsWith('"') ? token : standard(token))));
}
