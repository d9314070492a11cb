/** What an image's bytes are coded in. */
export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF" | "BMP" | "TIFF";

/** All of them, for messages. */
export const IMAGE_FORMATS = "JPEG, PNG, WebP, GIF, BMP or TIFF";

const SIGNATURES: readonly (readonly [ImageFormat, start: string])[] = [
  ["JPEG", "\xff\xd8\xff"],
  ["PNG", "\x89PNG\r\n\x1a\n"],
  ["GIF", "GIF87a"],
  ["GIF", "GIF89a"],
  ["TIFF", "II*\0"],
  ["TIFF", "MM\0*"],
  ["BMP", "BM"],
];

/** The format that the first bytes tell; undefined for everything else, a drawing or a document too. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const found = SIGNATURES.find(([, start]) => startsWith(bytes, start, 0));
  if (found !== undefined) return found[0];
  return startsWith(bytes, "RIFF", 0) && startsWith(bytes, "WEBP", 8) ? "WebP" : undefined;
}

function startsWith(bytes: Uint8Array, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
