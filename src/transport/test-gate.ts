import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { AccessGate, Admission, AskedHead } from "./access-gate.ts";
import { faultAnswer } from "./http1/fault-answer.ts";

/** For tests: a gate that lets in who says `yes`, refuses others, and lets who says `later` wait to be told. */
export class TestGate implements AccessGate {
  readonly asked: AskedHead[] = [];
  /** What callers that said `later` wait for: whether they are let in. */
  readonly waiting: Deferred<boolean>[] = [];

  http(head: AskedHead) {
    return this.#decide(head, faultAnswer(401, "who are you?"));
  }

  grpc(head: AskedHead) {
    return this.#decide(head, new ServingError("unauthenticated", "who are you?"));
  }

  #decide<Refusal>(head: AskedHead, refusal: Refusal): Admission<Refusal> | Promise<Admission<Refusal>> {
    this.asked.push(head);
    const said = head.header("authorization");
    const admitted = { principal: { name: "ada", grants: new Set(["inference"] as const) } };
    if (said !== "later") return said === "yes" ? admitted : { refusal };
    const wait = deferred<boolean>();
    this.waiting.push(wait);
    return wait.promise.then((yes) => (yes ? admitted : { refusal }));
  }
}
