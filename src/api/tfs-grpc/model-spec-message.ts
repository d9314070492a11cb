import { create } from "@bufbuild/protobuf";
import { Int64ValueSchema } from "@bufbuild/protobuf/wkt";
import { ServingError } from "../../base/serving-error.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import { type ModelSpec as ModelSpecMessage, ModelSpecSchema } from "../../gen/tensorflow_serving/apis/model_pb.ts";

/**
 * A generated ModelSpec message in our form.
 * @throws ServingError invalid-argument when the message is absent.
 */
export function fromMessage(message: ModelSpecMessage | undefined): ModelSpec {
  if (message === undefined) throw new ServingError("invalid-argument", "Missing ModelSpec");
  const { name, signatureName, versionChoice } = message;
  return {
    name,
    signatureName,
    ...(versionChoice.case === "version" && { version: versionChoice.value.value }),
    ...(versionChoice.case === "versionLabel" && { versionLabel: versionChoice.value }),
  };
}

/** A resolved spec as a message; no signature name where the API returns none. */
export function toMessage(name: string, version: bigint, signatureName = ""): ModelSpecMessage {
  return create(ModelSpecSchema, {
    name,
    signatureName,
    versionChoice: { case: "version", value: create(Int64ValueSchema, { value: version }) },
  });
}
