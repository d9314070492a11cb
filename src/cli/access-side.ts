import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { AccessOptions } from "../config/access-options.ts";
import { Poller } from "../control/poller.ts";
import type { Principals } from "../security/access/principals.ts";
import { PrincipalsWatch } from "../security/access/principals-watch.ts";

/** Milliseconds between two looks at the files. */
const INTERVAL_MS = 1000;

/** Who asks callers who they are. */
export interface AccessUser {
  setPrincipals(principals: Principals): void;
}

/** What keeps the serving threads' users and keys in step with their files, for as long as a server runs. */
export class AccessSide {
  readonly #watch: PrincipalsWatch;
  readonly #clock: Clock;
  readonly #log: Log;
  #poller: Poller | undefined;

  private constructor(watch: PrincipalsWatch, clock: Clock, log: Log) {
    this.#watch = watch;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads and checks the files. Rejects with a ServingError that names the flag and the file at fault. */
  static async open(options: AccessOptions, clock: Clock, log: Log): Promise<AccessSide> {
    return new AccessSide(await PrincipalsWatch.open(options), clock, log);
  }

  /** Hands over the users and keys, and those that take their place. */
  start(user: AccessUser): void {
    user.setPrincipals(this.#watch.principals);
    this.#announce();
    const look = async () => {
      if (!(await this.#watch.look()) || this.#poller === undefined) return;
      user.setPrincipals(this.#watch.principals);
      this.#announce();
    };
    this.#poller = new Poller(look, INTERVAL_MS, this.#clock, (reason) =>
      this.#log.warn("access_not_reloaded", { error: ServingError.from(reason).message }),
    );
  }

  /** Looks no more. */
  stop(): void {
    this.#poller?.stop();
    this.#poller = undefined;
  }

  #announce(): void {
    const { users, keys } = this.#watch.principals;
    this.#log.info("access_loaded", { users: users.length, keys: keys.length });
    for (const file of this.#watch.exposed) {
      this.#log.warn("access_file_exposed", { file, message: "others than its owner may read it: chmod 600" });
    }
  }
}
