import type { Clock } from "../../base/clock.ts";
import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import type { AccessGate, Admission, AskedHead } from "../../transport/access-gate.ts";
import type { HttpResponse, Principal, WholeResponse } from "../../transport/http-exchange.ts";
import { faultAnswer } from "../../transport/http1/fault-answer.ts";
import { methodNeeds, type Needed } from "./access-table.ts";
import type { Cors } from "./cors.ts";
import { FOREIGN_MESSAGE, isForeign, isNavigation } from "./cross-site.ts";
import type { Principals } from "./principals.ts";
import { type Verified, Verifier } from "./verifier.ts";

/** Why a request was not let in. */
export type RefusalReason = "missing" | "malformed" | "wrong" | "limited" | "not_granted" | "cross_site";

/** What a gate is made of. */
export interface GateParts {
  readonly clock: Clock;
  readonly needs: (method: string, target: string) => Needed;
  /** Undefined: pages of other origins may call nothing. */
  readonly cors: Cors | undefined;
  /** Told of each request that is not let in. `name`: the principal's, where one is meant. Nothing it is told is a secret. */
  readonly refused: (reason: RefusalReason, about: { readonly name?: string; readonly peer?: string }) => void;
}

interface Refusal {
  readonly status: 401 | 403 | 429;
  readonly code: StatusCode;
  readonly message: string;
  readonly headers: HttpResponse["headers"];
}

const PASSED: Admission<never> = { principal: undefined };

/** Two fields: a browser asks its user for the first kind it knows. */
const CHALLENGES: HttpResponse["headers"] = [
  ["www-authenticate", 'Basic realm="modelport", charset="UTF-8"'],
  ["www-authenticate", 'Bearer realm="modelport"'],
];

/** Lets in who may: the one place, before routing, where HTTP and gRPC alike are asked who calls. Knows nobody at first. */
export class Gate implements AccessGate {
  readonly #parts: GateParts;
  readonly #verifier: Verifier;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#verifier = new Verifier(parts.clock);
  }

  /** Whom it lets in from now on. */
  setPrincipals(principals: Principals): void {
    this.#verifier.setPrincipals(principals);
  }

  http(head: AskedHead): Admission<WholeResponse> | Promise<Admission<WholeResponse>> {
    const { needs, cors } = this.#parts;
    const needed = needs(head.method, head.target);
    if (needed === "public" || cors?.preflight(head) !== undefined) return PASSED;
    const strange = needed === "admin" || !isNavigation(head);
    const foreign = strange && isForeign(head) && cors?.lists(head) !== true;
    const decided = this.#decide(head, needed, foreign);
    return decided instanceof Promise ? decided.then((ready) => this.#answer(head, ready)) : this.#answer(head, decided);
  }

  grpc(head: AskedHead): Admission<ServingError> | Promise<Admission<ServingError>> {
    const needed = methodNeeds(head.target);
    if (needed === "public") return PASSED;
    const decided = this.#decide(head, needed, isForeign(head));
    return decided instanceof Promise ? decided.then(asStatus) : asStatus(decided);
  }

  #decide(head: AskedHead, needed: Needed, foreign: boolean): Admission<Refusal> | Promise<Admission<Refusal>> {
    if (foreign) return this.#refuse("cross_site", {}, forbidden(FOREIGN_MESSAGE));
    const field = head.header("authorization");
    if (field === undefined) {
      return this.#refuse("missing", {}, unauthenticated("credentials are needed: send Authorization with Basic or Bearer"));
    }
    const { address } = head.peer;
    const verified = this.#verifier.verify(field, address);
    return verified instanceof Promise
      ? verified.then((ready) => this.#judge(ready, needed, address))
      : this.#judge(verified, needed, address);
  }

  #judge(verified: Verified, needed: Needed, address: string | undefined): Admission<Refusal> {
    const peer = address !== undefined && { peer: address };
    switch (verified.kind) {
      case "known": {
        const { principal } = verified;
        if (isGranted(principal, needed)) return { principal };
        const { name } = principal;
        return this.#refuse(
          "not_granted",
          { name, ...peer },
          forbidden(`"${name}" has not the grant ${needed}, which this needs`),
        );
      }
      case "malformed":
        return this.#refuse(
          "malformed",
          { ...peer },
          unauthenticated("Authorization holds neither Basic with a user and a password nor Bearer with a key"),
        );
      case "wrong": {
        const { name } = verified;
        const about = { ...(name !== undefined && { name }), ...peer };
        return this.#refuse("wrong", about, unauthenticated("the credentials are not valid"));
      }
      case "limited":
        return this.#refuse("limited", { ...peer }, tooMany(verified.retryAfterSeconds));
    }
  }

  #refuse(reason: RefusalReason, about: { name?: string; peer?: string }, refusal: Refusal): Admission<Refusal> {
    this.#parts.refused(reason, about);
    return { refusal };
  }

  #answer(head: AskedHead, { refusal, ...admitted }: Admission<Refusal> & { principal?: Principal }): Admission<WholeResponse> {
    if (refusal === undefined) return { principal: admitted.principal };
    const { status, message, headers } = refusal;
    const answer = faultAnswer(status, message);
    const readable = this.#parts.cors?.headers(head) ?? [];
    return { refusal: { ...answer, headers: [...answer.headers, ...headers, ...readable] } };
  }
}

function isGranted({ grants }: Principal, needed: Needed): boolean {
  return needed === "any" || needed === "public" || grants.has(needed);
}

function asStatus(admission: Admission<Refusal>): Admission<ServingError> {
  if (admission.refusal === undefined) return admission;
  const { code, message } = admission.refusal;
  return { refusal: new ServingError(code, message) };
}

function unauthenticated(message: string): Refusal {
  return { status: 401, code: "unauthenticated", message, headers: CHALLENGES };
}

function forbidden(message: string): Refusal {
  return { status: 403, code: "permission-denied", message, headers: [] };
}

function tooMany(seconds: number): Refusal {
  const message = `too many failed attempts, try again in ${seconds} s`;
  return { status: 429, code: "resource-exhausted", message, headers: [["retry-after", String(seconds)]] };
}
