import type { Machine } from "./machine.ts";

const LIBRARY = /^libtensorflow_(?:cc|framework)(?:\.so\.2|\.2\.dylib)$/;

/** What to keep of an archive: where a file of this name goes in the runtime's folder; undefined for what is not needed. */
export type KeepFile = (name: string) => string | undefined;

/** Of TensorFlow's wheel: its libraries and what was bundled for them, laid out as in Python's site-packages, which they count on. */
export const keepOfWheel: KeepFile = (name) => {
  const [, folder, file] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (folder === "tensorflow") return LIBRARY.test(file!) ? name : undefined;
  return folder !== undefined && /^tensorflow\w*\.libs$/.test(folder) ? name : undefined;
};

/** Of the jar: its libraries but the one for Java, laid out as those of the wheel. */
export const keepOfJar: KeepFile = (name) => {
  const file = /^org\/tensorflow\/internal\/c_api\/[^/]+\/([^/]+)$/.exec(name)?.[1];
  return file !== undefined && /\.(?:so(?:\.\d+)+|dylib)$/.test(file) && !file.startsWith("libjni")
    ? `tensorflow/${file}`
    : undefined;
};

/** Of a wheel of CUDA's: its libraries. */
export const keepOfCuda: KeepFile = (name) => (/^nvidia\/[^/]+\/lib\/[^/]+\.so(?:\.\d+)*$/.test(name) ? name : undefined);

/** Name of TensorFlow's library on a platform. */
export function libraryName({ platform }: Machine): string {
  return platform === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2";
}

/**
 * The wheels of CUDA that a wheel of TensorFlow asks for, as pip takes them, out of its `METADATA`:
 * `Requires-Dist: nvidia-cudnn-cu12 ==9.3.0.75 ; extra == 'and-cuda'`.
 */
export function cudaRequirements(metadata: string): string[] {
  const requirements: string[] = [];
  for (const line of metadata.split(/\r?\n/)) {
    if (line === "") break;
    const match = /^Requires-Dist:\s*(nvidia-[A-Za-z0-9._-]+)\s*\(?([\w\s<>=!~.,*+-]*)\)?\s*;(.*)$/.exec(line);
    if (match === null || !/extra\s*==\s*["']and-cuda["']/.test(match[3]!)) continue;
    requirements.push(match[1]! + match[2]!.replace(/\s+/g, ""));
  }
  return requirements;
}
