import { ServingError } from "../../../src/base/serving-error.ts";
import type { ModelConfig } from "../../../src/config/model-config.ts";
import { parseModelConfig, parseModelConfigDocument } from "../../../src/config/model-config-document.ts";
import { modelConfigJson } from "../../../src/config/model-config-json.ts";
import { agree, type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const RULES = { platforms: ["tensorflow", "onnx"] };
const ORIGIN = { file: "models.yaml", folder: "/srv", workingFolder: "/home" };
const PLACE = /^models\.yaml:\d+:\d+: /;
const INT64 = 2n ** 63n;

const WORDS = [
  "models:",
  '{"models": ',
  '{"model_config_list": [',
  "\n  - name: a\n    base_path: /a\n",
  "\n  b:\n    base_path: ./b\n",
  '{"name": "a", "base_path": "/a"}',
  "{name: a, base_path: b}",
  "version_policy: ",
  "latest: 2",
  "specific: [1, 9223372036854775807]",
  "all",
  "labels: {stable: 1}",
  "traffic_split: {stable: 0.5}",
  "logging: {sampling_rate: 1, prefix: l}",
  "platform: onnx",
  "batching: {max_batch_size: 8, allowed_batch_sizes: [2, 8]}",
  "batch_timeout_micros: 9",
  "session_config: {allow_growth: true}",
  "session_config: {gpu_options: {visible_device_list: x}}",
  "device_count: {CPU: 1}",
  "operation_timeout_in_ms: 9",
  "session_target: grpc://h:1",
  "custom_op_paths: a,/b",
  "saved_model_tags: [serve]",
  "%YAML 1.1\n",
  '"platform": "pytorch_onnx"',
  "base_path",
  "name",
  "    ",
  "\n",
  "- ",
  ": ",
  "# comment",
  "&a ",
  "*a",
  "!!str ",
  "|\n  ",
  ">-\n  ",
  "---\n",
  "...\n",
  "%YAML 1.2\n",
  "? ",
  "<<: ",
  "__proto__",
  "null",
  "~",
  "true",
  ".inf",
  "0x7f",
  "0o17",
  "1e3",
  "-9223372036854775809",
  "\t",
  "\r\n",
  "\\u00e9",
  '"',
  "'",
  "[",
  "]",
  "{",
  "}",
  ",",
];

function check({ name, basePath, platform, versionPolicy, labels, trafficSplit, logging }: ModelConfig): void {
  const versions = [...labels.values(), ...(versionPolicy.kind === "specific" ? versionPolicy.versions : [])];
  const sound =
    name !== "" &&
    basePath.startsWith("/") &&
    (logging === undefined || logging.filenamePrefix.startsWith("/")) &&
    (platform === undefined || RULES.platforms.includes(platform)) &&
    versions.every((version) => typeof version === "bigint" && version >= -INT64 && version < INT64) &&
    [...trafficSplit].every(([label, weight]) => labels.has(label) && weight > 0 && Number.isFinite(weight));
  if (!sound) throw new Error("a config breaks the rules");
}

/** Our own form of a model config and Simple TensorFlow Serving's; what was read is written as JSON and read again. */
export const configDocument: FuzzTarget = {
  name: "config-document",
  dictionary: WORDS,
  longest: 300,
  ordinaryInputs: 3000,
  async run(input): Promise<Outcome> {
    let models: readonly ModelConfig[];
    let form: string;
    try {
      ({ models, form } = await parseModelConfigDocument(input.toString("utf8"), ORIGIN, RULES));
    } catch (reason) {
      if (reason instanceof ServingError && !PLACE.test(reason.message)) throw new Error(`no place: ${reason.message}`);
      return refusal(reason);
    }
    for (const model of models) {
      check(model);
      const again = await parseModelConfig(model.name, modelConfigJson(model), RULES);
      agree(textOf(again), textOf(model), "the model written as JSON");
    }
    return { accepted: true, shape: `${form} ${kindsOf(models.map(({ versionPolicy }) => versionPolicy.kind))}` };
  },
};

function textOf(model: ModelConfig): string {
  return JSON.stringify(
    Object.entries(model).sort(([a], [b]) => (a < b ? -1 : 1)),
    (_, value: unknown) => {
      if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1));
      return typeof value === "bigint" ? String(value) : value;
    },
  );
}
