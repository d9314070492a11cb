/**
 * Releases of Abseil, by the date that is part of its functions' names, and the versions of TensorFlow whose PyPI packages have them
 * (read off the symbols of 2.12.1, 2.13.1, 2.14.1, 2.15.1, 2.16.2, 2.17.1, 2.18.1, 2.19.1, 2.20.0 and 2.21.0).
 */
export const ABSEIL_RELEASES: ReadonlyMap<string, string> = new Map([
  ["20220623", "2.12"],
  ["20230125", "2.13 to 2.15"],
  ["20230802", "2.16 to 2.19"],
  ["20250127", "2.20"],
  ["20250814", "2.21"],
]);

/** The versions of TensorFlow that a mangled symbol was compiled for, as far as the symbol tells. */
export function versionsOfSymbol(symbol: string): string | undefined {
  const date = /lts_(\d{8})/.exec(symbol)?.[1];
  return date === undefined ? undefined : ABSEIL_RELEASES.get(date);
}
