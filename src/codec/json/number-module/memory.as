// How the module's memory is laid out. Everything below INPUT is tables, the build's and ours.

/** Where the caller puts text to scan, or numbers to print. */
export const INPUT: usize = 0x8000;
/** Most bytes of text in one window, or of numbers in one call. */
export const INPUT_SIZE: usize = 0x10000;
/** Bytes after the input that may be read; zero when text is scanned. */
export const INPUT_MARGIN: usize = 64;
/** Separators between printed numbers: elements first, rows after. */
export const SEPARATORS: usize = 0x18800;
/** Longest separator, and so where that of rows lies. */
export const SEPARATOR_SIZE: usize = 64;
/** Where scanned numbers or printed text go. */
export const OUTPUT: usize = 0x19000;
/** Room for those. */
export const OUTPUT_SIZE: usize = 0x100000;
