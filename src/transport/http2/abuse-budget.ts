import type { TransportLimits } from "../limits.ts";
import { connectionFault, ERROR_CODE, type Fault } from "./error-code.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What a peer may do that costs the server work and brings nothing, over one connection. */
export class AbuseBudget {
  readonly #resets: TokenBucket;
  readonly #controls: TokenBucket;

  constructor(limits: TransportLimits, now: number) {
    this.#resets = new TokenBucket(limits.resetBurst, limits.resetsPerSecond, now);
    this.#controls = new TokenBucket(limits.controlBurst, limits.controlsPerSecond, now);
  }

  /** A stream that was opened for nothing: reset by the peer, or by us for a fault of the peer's. */
  chargeReset(now: number): Fault | undefined {
    return this.#resets.take(now) ? undefined : connectionFault(ERROR_CODE.enhanceYourCalm, "too many streams were reset");
  }

  /** A frame that asks for nothing: SETTINGS, PING, PRIORITY, empty DATA, unknown types. */
  chargeControl(now: number): Fault | undefined {
    return this.#controls.take(now)
      ? undefined
      : connectionFault(ERROR_CODE.enhanceYourCalm, "too many frames that ask for nothing");
  }
}
