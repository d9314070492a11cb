import type { Program } from "./program.ts";

/** What a platform recognised in a version's files. */
export interface Detection {
  /** Why it chose this platform, for people: `holds model.onnx`. */
  readonly why: string;
}

/** What a config says of how files are read; a platform passes over what is another's. */
export interface ReadOptions {
  /** Tags of the graph to read, where a model's files hold several. Default: the platform's own. */
  readonly tags?: readonly string[];
}

/** A kind of model file. */
export interface Platform {
  /** The name in configs and tables: `onnx`. */
  readonly name: string;
  /** Looks at names and first bytes only; `path` is a version's folder or a bare file. Does not throw for other platforms' files. */
  detect(path: string): Promise<Detection | undefined>;
  /** Reads the files into a program. Rejects with a ServingError that names the file at fault, relative to `path`. */
  read(path: string, signal: AbortSignal, options?: ReadOptions): Promise<Program>;
}
