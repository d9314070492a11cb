/** What Python takes for white space, as it stands in a set of a regular expression; that of JavaScript is another. */
export const BLANKS = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
