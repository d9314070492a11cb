import { ServingError } from "../../base/serving-error.ts";
import type { BodyPump } from "../body-pump.ts";
import type { HttpRequest, HttpResponse, Principal } from "../http-exchange.ts";
import type { RequestHead } from "./head-parser.ts";

/** One request of a connection and, once there is one, its answer, waiting for the answers before it. */
export class Exchange implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly head: RequestHead;
  body: Uint8Array;
  secure = false;
  principal: Principal | undefined = undefined;
  /** Whether the connection may go on after the answer. */
  keepAlive: boolean;
  answer: HttpResponse | undefined = undefined;
  /** Body bytes that stay in memory while the exchange waits. */
  heldBytes = 0;
  /** Sends a streamed answer, once its turn has come. */
  pump: BodyPump | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #gone = false;

  constructor(head: RequestHead, body: Uint8Array) {
    this.method = head.method;
    this.target = head.target;
    this.head = head;
    this.body = body;
    this.keepAlive = head.keepAlive;
  }

  header(name: string): string | undefined {
    return this.head.header(name);
  }

  /** Made when first asked for: most handlers of a short request never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone) this.#controller.abort(peerGone());
    }
    return this.#controller.signal;
  }

  /** The peer will not see the answer. */
  abort(): void {
    this.#gone = true;
    this.#controller?.abort(peerGone());
  }
}

function peerGone(): ServingError {
  return new ServingError("cancelled", "the client closed the connection");
}
