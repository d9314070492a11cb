/** What is known of a loaded version besides how to run it, for people and clients who look. Plain data: can be sent to a thread. */
export interface VersionAbout {
  /** The platform's name: `onnx`. */
  readonly platform: string;
  /** Why that platform was chosen. */
  readonly why: string;
  /** The last name of the model's base path: its folder, or its file. Absent where nobody has said. */
  readonly folder?: string;
  /** Milliseconds that the load took. */
  readonly loadMs: number;
  /** When the load ended, in milliseconds since 1970. */
  readonly loadedAtMs: number;
  /** Bytes of the version's files. */
  readonly fileBytes: number;
  /**
   * A request that the model is known to answer: the body of a REST predict call, as JSON. Of the model's `sample_request.json` or its
   * recorded warm-up; absent where it has neither, or a larger one than anybody would read.
   */
  readonly example?: string;
}
