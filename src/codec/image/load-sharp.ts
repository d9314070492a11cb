import type sharp from "sharp";
import { ServingError } from "../../base/serving-error.ts";

type Sharp = typeof sharp;

/** What may open images; sharp knows more formats than are wanted, drawings that name other files among them. */
const LOADERS = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadNsgifBuffer",
  "VipsForeignLoadTiffBuffer",
];

let loading: Promise<Sharp> | undefined;

/**
 * The library that decodes images, loaded when the first one is to be; that of an image runs on one of Node's threads for such work.
 * Rejects with failed-precondition when it is not installed.
 */
export function loadSharp(): Promise<Sharp> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Sharp> {
  let library: Sharp;
  try {
    library = (await import("sharp")).default;
  } catch (cause) {
    throw new ServingError(
      "failed-precondition",
      "decoding images needs the package sharp, which is not installed or cannot be loaded here: npm install sharp",
      { cause },
    );
  }
  // No image comes twice, and there are as many requests at once as threads that can work on them.
  library.cache(false);
  library.concurrency(1);
  library.block({ operation: ["VipsForeignLoad"] });
  library.unblock({ operation: LOADERS });
  return library;
}
