import type { Clock } from "../../base/clock.ts";
import { AllocationBudget } from "../../codec/allocation-budget.ts";
import { decodeSessionRunRequest, encodeSessionRunResponse } from "../../codec/session-run-message.ts";
import type { GrpcCall, GrpcMethod } from "../../transport/grpc/method.ts";
import { RunDeadline } from "../run-deadline.ts";
import type { PredictionServices } from "./prediction-service.ts";
import { requiredSpec } from "./required-spec.ts";

/** What the session service needs of its thread: what the prediction service does, and the time for a request's own limit. */
export interface SessionServices extends PredictionServices {
  readonly clock: Clock;
}

/** `tensorflow.serving.SessionService` by path: runs of a graph by its own names. */
export function sessionServiceMethods(services: SessionServices): Map<string, GrpcMethod> {
  const { inference, recorder, asTensorContent, maxRequestBytes, clock } = services;

  const sessionRun = (message: Uint8Array, call: GrpcCall) => {
    const request = decodeSessionRunRequest(message, new AllocationBudget(2 * maxRequestBytes));
    const spec = requiredSpec(request.modelSpec);
    return recorder.record("SessionRun", spec.name, async () => {
      const deadline = new RunDeadline(call, request.timeoutMs, clock);
      try {
        const { resolved, tensors } = await inference.sessionRun(spec, request, deadline);
        return encodeSessionRunResponse(resolved, request.fetches, tensors, asTensorContent);
      } finally {
        deadline.end();
      }
    });
  };

  return new Map([["/tensorflow.serving.SessionService/SessionRun", { kind: "unary", run: sessionRun }]]);
}
