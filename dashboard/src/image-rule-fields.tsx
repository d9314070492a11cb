import { useId } from "preact/hooks";
import type { ImageRules } from "./predict-request.ts";

interface ImageRuleFieldsProps {
  readonly rules: ImageRules;
  readonly change: (rules: ImageRules) => void;
}

/** Ready-made rules for values; each takes the place of scale, mean and deviation. */
const PRESETS = ["raw", "unit", "symmetric", "imagenet", "caffe"] as const;

const FIELDS: readonly (readonly [keyof ImageRules, string, string])[] = [
  ["resize", "Resize", "cover, contain, 224x224"],
  ["channels", "Channels", "L, RGB, RGBA, BGR"],
  ["layout", "Layout", "NHWC, NCHW"],
  ["scale", "Scale", "1/255"],
  ["mean", "Mean", "0.485,0.456,0.406"],
  ["std", "Deviation", "0.229,0.224,0.225"],
];

/** How pixels are made of an image; what is left empty the server reads from the signature. */
export function ImageRuleFields({ rules, change }: ImageRuleFieldsProps) {
  const id = useId();
  return (
    <details class="rules">
      <summary>How the image becomes numbers</summary>
      <p class="hint">What is left empty, the server takes from the signature.</p>
      <div class="rule-grid">
        <div class="field">
          <label for={`${id}-preset`}>Values</label>
          <select
            id={`${id}-preset`}
            value={rules.preset}
            onChange={(event) => change({ ...rules, preset: event.currentTarget.value })}
          >
            <option value="">as the signature says</option>
            {PRESETS.map((preset) => (
              <option key={preset}>{preset}</option>
            ))}
          </select>
        </div>
        {FIELDS.map(([rule, name, example]) => (
          <div key={rule} class="field">
            <label for={`${id}-${rule}`}>{name}</label>
            <input
              id={`${id}-${rule}`}
              type="text"
              autocomplete="off"
              placeholder={example}
              value={rules[rule]}
              onInput={(event) => change({ ...rules, [rule]: event.currentTarget.value })}
            />
          </div>
        ))}
      </div>
    </details>
  );
}
