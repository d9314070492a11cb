/** An image as it was sent. */
export interface EncodedImage {
  /** What messages call it: `images[0]`, `images[1] ("cat.jpg")`. */
  readonly name: string;
  /** The file's bytes. */
  readonly bytes: Uint8Array;
}
