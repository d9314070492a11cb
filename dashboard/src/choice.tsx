interface ChoiceProps<T extends string> {
  /** What is chosen, for screen readers. */
  readonly name: string;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly chosen: T;
  readonly choose: (value: T) => void;
  /** Options that cannot be chosen now, each with the reason. */
  readonly barred?: ReadonlyMap<T, string>;
}

/** A few options side by side, of which one is chosen. */
export function Choice<T extends string>({ name, options, chosen, choose, barred }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{name}</legend>
      {options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === chosen}
          disabled={barred?.has(value)}
          title={barred?.get(value)}
          onClick={() => choose(value)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
