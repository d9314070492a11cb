import type { ImageSize, ResizeMode } from "./image-rules.ts";

/** A part of an image, in pixels from its upper left corner; those of a source may lie between pixels. */
export interface Box extends ImageSize {
  readonly left: number;
  readonly top: number;
}

/** Which part of an image goes where. */
export interface Placement {
  readonly from: Box;
  readonly to: Box;
}

/**
 * Where an image of one size goes in one of another: `stretch` takes all of it to everywhere; `cover` cuts what is too long off both
 * ends; `contain` leaves as much free on both sides, the odd pixel by rounding halves to even.
 */
export function placement(own: ImageSize, size: ImageSize, mode: Exclude<ResizeMode, "none">): Placement {
  const from = { left: 0, top: 0, ...own };
  const to = { left: 0, top: 0, ...size };
  const wider = own.width * size.height - own.height * size.width;
  if (mode === "stretch" || wider === 0) return { from, to };
  if (mode === "cover") return { from: wider > 0 ? cutSides(own, size) : cutEnds(own, size), to };
  if (wider > 0) {
    const height = Math.max(1, roundHalfEven((own.height * size.width) / own.width));
    return { from, to: { left: 0, top: roundHalfEven((size.height - height) / 2), width: size.width, height } };
  }
  const width = Math.max(1, roundHalfEven((own.width * size.height) / own.height));
  return { from, to: { left: roundHalfEven((size.width - width) / 2), top: 0, width, height: size.height } };
}

function cutSides(own: ImageSize, size: ImageSize): Box {
  const width = (own.height * size.width) / size.height;
  return { left: (own.width - width) / 2, top: 0, width, height: own.height };
}

function cutEnds(own: ImageSize, size: ImageSize): Box {
  const height = (own.width * size.height) / size.width;
  return { left: 0, top: (own.height - height) / 2, width: own.width, height };
}

/** The nearest whole number, of two the even one. */
export function roundHalfEven(value: number): number {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}
