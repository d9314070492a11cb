import { fromBinary } from "@bufbuild/protobuf";
import { AllocationBudget } from "../../../src/codec/allocation-budget.ts";
import { decodeSessionRunRequest, type SessionRunRequest } from "../../../src/codec/session-run-message.ts";
import { SessionRunRequestSchema } from "../../../src/gen/tensorflow_serving/apis/session_service_pb.ts";
import { type Fields, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";
import { MODEL_SPEC_FIELDS, plainSpec, specText } from "./predict-message.ts";
import { checkTensor, TENSOR_WORDS } from "./tensor-proto.ts";

/** The message as it is read before its tensors are: feeds hold their tensors unread. */
const FIELDS: Fields = {
  1: MODEL_SPEC_FIELDS,
  2: { 1: "string", 2: "bytes" },
  3: "string",
  4: "string",
  5: { 2: "varint" },
  6: "varint",
};

/** Everything but the tensors, so that broken ones do not matter to the generated code. */
const WITHOUT_TENSORS: Fields = { ...FIELDS, 2: { 1: "string" } };

/** A SessionRunRequest with its tensors, against the generated code. */
export const sessionRunMessage: FuzzTarget = {
  name: "session-run-message",
  dictionary: [
    ...TENSOR_WORDS,
    ...[
      "0a00",
      "0a030a016d",
      "1200",
      "12050a03783a30",
      "1a03793a30",
      "220161",
      "2a0210ff",
      "2a021032",
      "3001",
      "0a0178120408012d",
    ].map((hex) => Buffer.from(hex, "hex")),
  ],
  longest: 500,
  run(input): Outcome {
    let sound = true;
    try {
      onlyFields(input, FIELDS);
    } catch (reason) {
      if (!(reason instanceof Unsound)) throw reason;
      sound = false;
    }
    let request: SessionRunRequest;
    try {
      request = decodeSessionRunRequest(input, new AllocationBudget(1 << 20));
    } catch (reason) {
      if (sound) throw new Error("a sound request was refused", { cause: reason });
      return refusal(reason);
    }
    if (!sound) throw new Error("a malformed request was read");
    const expected = fromBinary(SessionRunRequestSchema, onlyFields(input, WITHOUT_TENSORS));
    agree(specText(request.modelSpec), specText(plainSpec(expected.modelSpec)), "the model spec");
    agree(request.fetches.join("\n"), expected.fetch.join("\n"), "fetches");
    agree(request.targets.join("\n"), expected.target.join("\n"), "targets");
    agree(request.feeds.map(({ name }) => name).join("\n"), expected.feed.map(({ name }) => name).join("\n"), "names of feeds");
    agree(request.timeoutMs, Math.max(0, Number(expected.options?.timeoutInMs ?? 0n)), "the time limit");
    agree(request.namesAreAliases, expected.tensorNameIsAlias, "whether names are aliases");
    const outcomes = request.feeds.map(({ tensor }) => checkTensor(tensor));
    const shape = `${outcomes.length} ${outcomes[0]?.shape ?? ""} ${request.modelSpec === undefined} ${request.timeoutMs > 0}`;
    return { accepted: outcomes.every(({ accepted }) => accepted), shape };
  },
};
