import { readBmpHeader } from "../../../src/codec/image/bmp-header.ts";
import { readBmp } from "../../../src/codec/image/read-bmp.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

const never = new AbortController().signal;

/** Pixels that an input of this test may describe; those that decode images look first, too. */
const MOST_PIXELS = 1 << 16;

/** Bitmap files. */
export const bmp: FuzzTarget = {
  name: "bmp",
  dictionary: [
    "0c000000",
    "28000000",
    "6c000000",
    "7c000000",
    "01000800",
    "01001000",
    "01002000",
    "00000100",
    "00ff0000",
    "03000000",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 400,
  async run(input): Promise<Outcome> {
    try {
      const header = readBmpHeader(input);
      const { width, height, bitsPerPixel: bits } = header;
      if (width * height > MOST_PIXELS) return { accepted: false, shape: "large" };
      const image = await readBmp(input, header, never);
      agree(image.data.length, width * height * image.channels, "the number of values");
      return { accepted: true, shape: `${bits} ${header.runLengths} ${header.topDown} ${image.channels}` };
    } catch (reason) {
      return refusal(reason);
    }
  },
};
