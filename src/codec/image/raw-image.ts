/** Decoded pixels, row by row from the top. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** 3: red, green, blue; 4: and alpha. */
  readonly channels: 3 | 4;
  /** `width * height * channels` values. */
  readonly data: Uint8Array;
}
