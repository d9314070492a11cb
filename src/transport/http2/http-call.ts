import type { ServingError } from "../../base/serving-error.ts";
import { ADMITTED, type Admission, type Peer } from "../access-gate.ts";
import { BodyPump, type BodySink, discardBody } from "../body-pump.ts";
import { BUDGET_SPENT } from "../buffer-budget.ts";
import { bodyCoding, inflateRequestBody } from "../content-coding.ts";
import type { HttpRequest, HttpResponse, Principal, WholeResponse } from "../http-exchange.ts";
import { BodyCollector } from "../http1/body-collector.ts";
import { faultAnswer } from "../http1/fault-answer.ts";
import type { FaultStatus } from "../http1/request-fault.ts";
import { hasBody } from "../http1/response-writer.ts";
import { ownBytes } from "../own-bytes.ts";
import { compressResponse, isCompressible } from "../response-compression.ts";
import { ERROR_CODE } from "./error-code.ts";
import { encodeResponseHead } from "./http-response-head.ts";
import { fieldValue, type RequestHead } from "./request-head.ts";
import type { Stream, StreamConsumer } from "./stream.ts";
import type { StreamHost } from "./stream-host.ts";

const NO_BYTES = Buffer.alloc(0);

/**
 * One request of HTTP semantics (REST) on a stream.
 *
 * receiving -> answering once the body is whole and the gate has let it in, or at once when the request is refused -> answered, by way of streaming when the
 * answer's body is streamed; gone from anywhere.
 */
class HttpCall implements HttpRequest, StreamConsumer, BodySink {
  readonly method: string;
  readonly target: string;
  body: Uint8Array = NO_BYTES;
  principal: Principal | undefined = undefined;
  readonly #host: StreamHost;
  readonly #stream: Stream;
  readonly #head: RequestHead;
  #phase: "receiving" | "answering" | "streaming" | "answered" | "gone" = "receiving";
  /** Whether the gate has not answered yet, and whether the body is whole meanwhile. */
  #asking = false;
  #whole = false;
  #collector: BodyCollector | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #reason: ServingError | undefined = undefined;
  /** Sends a streamed answer. */
  #pump: BodyPump | undefined = undefined;

  constructor(host: StreamHost, stream: Stream, head: RequestHead) {
    this.#host = host;
    this.#stream = stream;
    this.#head = head;
    this.method = head.method;
    this.target = head.target;
  }

  get secure(): boolean {
    return this.#host.peer.secure;
  }

  get peer(): Peer {
    return this.#host.peer;
  }

  header(name: string): string | undefined {
    return name === "host" ? this.#head.authority : fieldValue(this.#head, name);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Refuses by the head alone what can be. */
  begin(): void {
    const head = this.#head;
    const { limits } = this.#host.context;
    if (head.oversized) this.#refuse(431, `the request's headers are larger than the limit of ${limits.maxHeaderBytes} bytes`);
    else if (head.method === "CONNECT") this.#refuse(501, "this server is no proxy");
    else if (head.contentLength > limits.maxBodyBytes) this.#refuseTooLarge("the request body");
    else if (bodyCoding(fieldValue(head, "content-encoding")) === "unsupported") {
      this.#refuse(415, "unsupported Content-Encoding, expected gzip");
    } else {
      this.#ask();
    }
  }

  #ask(): void {
    const admission = this.#host.context.gate?.http(this) ?? ADMITTED;
    if (!(admission instanceof Promise)) {
      this.#admit(admission);
      return;
    }
    this.#asking = true;
    void admission.then((decided) => {
      this.#asking = false;
      this.#admit(decided);
      if (this.#whole) this.remoteEnded();
    });
  }

  #admit(admission: Admission<WholeResponse>): void {
    if (admission.refusal === undefined) {
      this.principal = admission.principal;
    } else {
      this.#host.context.report("request_refused", admission.refusal.status);
      this.#answer(admission.refusal);
    }
  }

  received(bytes: Buffer, start: number, end: number): void {
    if (this.#phase !== "receiving") return;
    const { maxBodyBytes } = this.#host.context.limits;
    if (this.#collector === undefined) {
      const whole = this.#head.contentLength === end - start;
      if (whole) {
        this.#host.keepInput();
        this.body = bytes.subarray(start, end);
        return;
      }
      this.#collector = new BodyCollector(this.#head.contentLength < 0 ? maxBodyBytes : this.#head.contentLength);
    }
    if (this.#collector.length + end - start > maxBodyBytes) {
      this.#collector = undefined;
      this.#refuseTooLarge("the request body");
      return;
    }
    this.#collector.append(bytes, start, end);
  }

  turnEnded(): void {
    if (this.#phase === "receiving" && !this.#asking && fieldValue(this.#head, "expect")?.toLowerCase() === "100-continue") {
      this.#host.outbound.headers(this.#stream, [[":status", "100"]], false);
    }
  }

  compact(): void {
    if (this.#phase === "receiving") this.body = ownBytes(this.body);
  }

  remoteEnded(): void {
    if (this.#phase !== "receiving") return;
    if (this.#asking) {
      this.#whole = true;
      return;
    }
    this.#phase = "answering";
    if (this.#collector !== undefined) this.body = this.#collector.take();
    this.#collector = undefined;
    if (this.body.length > 0 && bodyCoding(fieldValue(this.#head, "content-encoding")) === "gzip") void this.#inflateAndHandle();
    else this.#handle();
  }

  overdue(): void {
    if (this.#phase === "receiving") this.#refuse(408, "the request did not arrive in time");
  }

  overloaded(): void {
    if (this.#phase === "receiving") this.#refuse(503, BUDGET_SPENT);
  }

  aborted(reason: ServingError): void {
    this.#phase = "gone";
    this.#reason = reason;
    this.#collector = undefined;
    this.#controller?.abort(reason);
    this.#pump?.cancel();
  }

  piece(bytes: Uint8Array): Promise<void> | undefined {
    return this.#host.outbound.piece(this.#stream, bytes);
  }

  end(): void {
    this.#phase = "answered";
    this.#host.outbound.body(this.#stream, NO_BYTES);
  }

  broken(reason: unknown): void {
    this.#host.context.report("handler_fault", reason);
    this.#phase = "gone";
    this.#host.reset(this.#stream, ERROR_CODE.internalError);
  }

  async #inflateAndHandle(): Promise<void> {
    try {
      this.body = await inflateRequestBody(this.body, this.#host.context.limits.maxBodyBytes);
    } catch {
      this.#refuseTooLarge("the decompressed request body");
      return;
    }
    if (this.#phase === "answering") this.#handle();
  }

  #handle(): void {
    let answer: HttpResponse | Promise<HttpResponse>;
    try {
      answer = this.#host.context.http(this);
    } catch (reason) {
      answer = this.#handlerFault(reason);
    }
    if (answer instanceof Promise) {
      answer.then(
        (ready) => this.#encode(ready),
        (reason: unknown) => this.#encode(this.#handlerFault(reason)),
      );
    } else {
      this.#encode(answer);
    }
  }

  #handlerFault(reason: unknown): HttpResponse {
    this.#host.context.report("handler_fault", reason);
    return faultAnswer(500, "internal error");
  }

  /** Compresses the answer if that is wanted and worth it. */
  #encode(answer: HttpResponse): void {
    const compress = this.#host.context.compressResponses && this.#phase === "answering";
    if (!compress || !isCompressible(answer, fieldValue(this.#head, "accept-encoding"))) {
      this.#answer(answer);
      return;
    }
    compressResponse(answer).then(
      (compressed) => this.#answer(compressed),
      (reason: unknown) => this.#answer(this.#handlerFault(reason)),
    );
  }

  #refuseTooLarge(what: string): void {
    this.#refuse(413, `${what} is larger than the limit of ${this.#host.context.limits.maxBodyBytes} bytes`);
  }

  #refuse(status: FaultStatus, message: string): void {
    this.#host.context.report("request_refused", status);
    this.#answer(faultAnswer(status, message));
  }

  #answer(answer: HttpResponse): void {
    this.#collector = undefined;
    if (this.#phase !== "receiving" && this.#phase !== "answering") {
      this.#discard(answer);
      return;
    }
    this.#phase = "answered";
    const head = encodeResponseHead(answer);
    if (head === undefined) {
      this.#host.context.report("invalid_answer", this.method);
      this.#discard(answer);
      this.#send(faultAnswer(500, "internal error"));
    } else {
      this.#send(answer, head);
    }
  }

  #send(answer: HttpResponse, head = encodeResponseHead(answer)!): void {
    const { outbound } = this.#host;
    const { status, body } = answer;
    const whole = body instanceof Uint8Array;
    const bodied = hasBody(status, this.method === "HEAD") && !(whole && body.length === 0);
    outbound.headers(this.#stream, head, !bodied);
    if (!bodied) this.#discard(answer);
    else if (whole) outbound.body(this.#stream, body);
    else this.#startStream(body);
  }

  #startStream(body: AsyncIterable<Uint8Array>): void {
    this.#phase = "streaming";
    this.#pump = new BodyPump(body, this, this.#host.context);
    void this.#pump.run();
  }

  /** Lets go of an answer whose body nobody will see. */
  #discard({ body }: HttpResponse): void {
    if (!(body instanceof Uint8Array)) discardBody(body, this.#host.context);
  }
}

/** Serves a stream by the context's HTTP handler. */
export function openHttpCall(host: StreamHost, stream: Stream, head: RequestHead): StreamConsumer {
  const call = new HttpCall(host, stream, head);
  call.begin();
  return call;
}
