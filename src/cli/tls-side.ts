import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { TlsOptions } from "../config/tls-options.ts";
import { Poller } from "../control/poller.ts";
import { TLS_CERTIFICATE_EXPIRY } from "../metrics/definitions.ts";
import type { Sample } from "../metrics/metrics-catalog.ts";
import { CertificateWatch } from "../security/tls/certificate-watch.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";

/** Milliseconds between two looks at the files. */
const INTERVAL_MS = 1000;

/** Who uses the certificate. */
export interface TlsUser {
  setTls(material: TlsMaterial): void;
}

/** What keeps the serving threads' certificate in step with its files, for as long as a server runs. */
export class TlsSide {
  readonly #watch: CertificateWatch;
  readonly #clock: Clock;
  readonly #log: Log;
  #poller: Poller | undefined;

  private constructor(watch: CertificateWatch, clock: Clock, log: Log) {
    this.#watch = watch;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads and checks the files. Rejects with a ServingError that names the flag and the file at fault. */
  static async open(options: TlsOptions, clock: Clock, log: Log): Promise<TlsSide> {
    return new TlsSide(await CertificateWatch.open(options, clock), clock, log);
  }

  /** Hands over the certificate, and each one that takes its place. */
  start(user: TlsUser): void {
    user.setTls(this.#watch.material);
    this.#announce();
    const look = async () => {
      const changed = await this.#watch.look();
      if (changed === undefined || this.#poller === undefined) return;
      user.setTls(this.#watch.material);
      if (changed === "certificate") this.#announce();
    };
    this.#poller = new Poller(look, INTERVAL_MS, this.#clock, (reason) =>
      this.#log.warn("tls_certificate_not_reloaded", { error: ServingError.from(reason).message }),
    );
  }

  /** What the metrics page says of the certificate. */
  samples(): readonly Sample[] {
    const value = Math.floor(this.#watch.validity.validTo / 1000);
    return [{ definition: TLS_CERTIFICATE_EXPIRY, labelValues: [], value }];
  }

  /** Looks no more. */
  stop(): void {
    this.#poller?.stop();
    this.#poller = undefined;
  }

  #announce(): void {
    const { validFrom, validTo } = this.#watch.validity;
    const fields = { from: new Date(validFrom).toISOString(), until: new Date(validTo).toISOString() };
    const now = Date.now();
    if (validFrom <= now && now < validTo) this.#log.info("tls_certificate_loaded", fields);
    else this.#log.warn("tls_certificate_not_valid", fields);
  }
}
