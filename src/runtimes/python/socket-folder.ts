import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Longest path that a Unix socket may have on every system, less what is put into the folder. */
const MOST_FOLDER_CHARACTERS = 103 - "/4294967295-999.sock.new".length;

/** A folder that only this user can look into, for the sockets of workers. It is there as long as somebody uses it. */
export class SocketFolder {
  #path: string | undefined;
  #users = 0;
  readonly #remove = () => this.#removeFolder();

  /** The folder, made if it is not there. Each call is to be followed by a {@link release}. */
  use(): string {
    this.#users++;
    if (this.#path === undefined) {
      const base = tmpdir().length + "/modelport-XXXXXX".length > MOST_FOLDER_CHARACTERS ? "/tmp" : tmpdir();
      this.#path = mkdtempSync(join(base, "modelport-"));
      chmodSync(this.#path, 0o700);
      process.once("exit", this.#remove);
    }
    return this.#path;
  }

  /** Ends one use. */
  release(): void {
    if (--this.#users > 0) return;
    process.off("exit", this.#remove);
    this.#removeFolder();
  }

  #removeFolder(): void {
    if (this.#path !== undefined) rmSync(this.#path, { recursive: true, force: true });
    this.#path = undefined;
  }
}
