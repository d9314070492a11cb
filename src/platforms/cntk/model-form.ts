/** What a file's first bytes say it is: CNTK 2's, the same with its arrays behind it, or CNTK 1's. */
export type ModelForm = "v2" | "large" | "v1";

/** A file larger than 2 GiB begins so; the length of its message follows. */
const LARGE_HEAD = Buffer.from("ktnc");
const V1_HEAD = Buffer.from("BCN\0", "utf16le");
/** Tags of a dictionary's version, of its first entry and of that one's key. */
const [VERSION, ENTRY, KEY] = [0x08, 0x12, 0x0a];
/** Longest first key that is looked for. */
const LONGEST_KEY = 0x60;
/** Most bytes of an entry's length. */
const LENGTH_BYTES = 5;

/** The form of a model, by its file's first bytes; undefined for what is no model of CNTK. */
export function formOf(first: Buffer): ModelForm | undefined {
  if (first.subarray(0, LARGE_HEAD.length).equals(LARGE_HEAD)) return "large";
  if (first.subarray(0, V1_HEAD.length).equals(V1_HEAD)) return "v1";
  return beginsDictionary(first) ? "v2" : undefined;
}

/** Whether bytes are a dictionary's version, if it has one, and the head of its first entry: a length, and a key in letters. */
function beginsDictionary(bytes: Buffer): boolean {
  let at = 0;
  if (bytes[0] === VERSION) {
    if (!(bytes[1]! >= 1 && bytes[1]! < 0x80)) return false;
    at = 2;
  }
  if (bytes[at++] !== ENTRY) return false;
  const end = at + LENGTH_BYTES;
  while (at < end - 1 && bytes[at]! >= 0x80) at++;
  if (!(bytes[at]! >= 1 && bytes[at]! < 0x80)) return false;
  const [tag, length, letter] = bytes.subarray(at + 1, at + 4);
  return tag === KEY && length! >= 1 && length! <= LONGEST_KEY && /[A-Za-z_]/.test(String.fromCharCode(letter ?? 0));
}
