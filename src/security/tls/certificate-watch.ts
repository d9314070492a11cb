import { randomBytes } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { TlsOptions } from "../../config/tls-options.ts";
import type { TlsMaterial } from "../../transport/tls/tls-material.ts";
import { type CheckedMaterial, checkKeyFiles } from "./check-key-files.ts";
import { type KeyFiles, readKeyFiles } from "./key-files.ts";

/** What a look at the files ended in, with a text that tells it from others. */
type Look =
  | { readonly text: string; readonly files: KeyFiles }
  /** The files could not be read. */
  | { readonly text: string; readonly fault: ServingError };

const TICKET_KEY_BYTES = 48;

/** Keys of session tickets are changed this often: whoever has one can decrypt the sessions that it protects. */
const TICKET_KEYS_MS = 12 * 3600 * 1000;

/**
 * A server's certificate, kept in step with its files. Files are compared by what they say, so it does not matter whether they
 * were written, replaced, or a folder of links was swapped. What is in force changes only to what {@link checkKeyFiles} accepts.
 */
export class CertificateWatch {
  readonly #options: TlsOptions;
  readonly #clock: Clock;
  #current: CheckedMaterial;
  /** The files' text of what is in force, of the last look, and of what was refused last with the reason. */
  #inForce: string;
  #seen: string;
  #refused: { readonly text: string; readonly reason: unknown } | undefined;
  #ticketsSince: number;

  private constructor(options: TlsOptions, clock: Clock, text: string, current: CheckedMaterial) {
    this.#options = options;
    this.#clock = clock;
    this.#current = current;
    this.#inForce = text;
    this.#seen = text;
    this.#ticketsSince = clock.now();
  }

  /** Reads the files for the first time. Rejects with a ServingError failed-precondition that names the flag at fault. */
  static async open(options: TlsOptions, clock: Clock): Promise<CertificateWatch> {
    const look = await lookAt(options);
    if ("fault" in look) throw look.fault;
    return new CertificateWatch(options, clock, look.text, checkKeyFiles(look.files, options.minVersion, freshTicketKeys()));
  }

  get material(): TlsMaterial {
    return this.#current.material;
  }

  /** When the certificate becomes valid and stops to be, in milliseconds since 1970. */
  get validity(): Pick<CheckedMaterial, "validFrom" | "validTo"> {
    return this.#current;
  }

  /**
   * Looks at the files again; to be called every second or so. `certificate`: another material is in force from now on, of files
   * that were the same at two looks in a row, because a certificate and its key are rarely written at once. `tickets`: the same,
   * with fresh ticket keys alone. Rejects with a ServingError as long as the files cannot be used; what is in force stays.
   */
  async look(): Promise<"certificate" | "tickets" | undefined> {
    const look = await lookAt(this.#options);
    const settled = look.text === this.#seen;
    this.#seen = look.text;
    if (settled && look.text !== this.#inForce) {
      this.#take(look);
      return "certificate";
    }
    if (this.#clock.now() - this.#ticketsSince < TICKET_KEYS_MS) return undefined;
    this.#ticketsSince = this.#clock.now();
    this.#current = { ...this.#current, material: { ...this.#current.material, ticketKeys: freshTicketKeys() } };
    return "tickets";
  }

  #take(look: Look): void {
    if (this.#refused?.text === look.text) throw this.#refused.reason;
    try {
      if ("fault" in look) throw look.fault;
      // Sessions that the old authorities let in are not resumed.
      this.#current = checkKeyFiles(look.files, this.#options.minVersion, freshTicketKeys());
      this.#inForce = look.text;
      this.#ticketsSince = this.#clock.now();
      this.#refused = undefined;
    } catch (reason) {
      this.#refused = { text: look.text, reason };
      throw reason;
    }
  }
}

async function lookAt(options: TlsOptions): Promise<Look> {
  try {
    const files = await readKeyFiles(options);
    return { text: JSON.stringify(files), files };
  } catch (reason) {
    const fault = ServingError.from(reason);
    return { text: fault.message, fault };
  }
}

function freshTicketKeys(): Uint8Array {
  return new Uint8Array(randomBytes(TICKET_KEY_BYTES));
}
