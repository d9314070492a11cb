import { ServingError } from "../base/serving-error.ts";
import type { PackageSource } from "./tensorflow-packages.ts";

/** Hears how many bytes of a download are there, and of how many when the client says so. */
export type DownloadProgress = (bytes: number, expectedBytes?: number) => void;

/** Fetches packages as whoever runs this would: by name and version, from wherever the client is set up to look. */
export interface PackageClient {
  readonly name: PackageSource["client"];
  /**
   * Downloads an archive below `folder`, which is the client's own between calls, and resolves with its path once it is whole. Rejects with a
   * ServingError unavailable that gives the client's reason.
   */
  download(source: PackageSource, folder: string, signal: AbortSignal, progress: DownloadProgress): Promise<string>;
}

/** Why a client could not do it, in its own last words. */
export function clientFailure(client: PackageSource["client"], reason: string): ServingError {
  return new ServingError("unavailable", `${client}: ${reason}`);
}
