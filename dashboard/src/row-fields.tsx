import type { SignatureDetail, TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import type { InputValue } from "./input-value.ts";

/** Whether a request's inputs are filled in as one row of a table: each a single value, of a signature that takes rows. */
export function isOneRow({ rowwise, inputs }: SignatureDetail, values: ReadonlyMap<string, InputValue>): boolean {
  return (
    rowwise === true && inputs.length > 1 && inputs.every((tensor) => cellOf(tensor, values.get(tensor.alias)) !== undefined)
  );
}

interface RowFieldsProps {
  readonly inputs: readonly TensorDetail[];
  readonly values: ReadonlyMap<string, InputValue>;
  readonly change: (alias: string, value: InputValue) => void;
}

/** One row of a table: a field for each input, which is missing where it is left empty. */
export function RowFields({ inputs, values, change }: RowFieldsProps) {
  return (
    <fieldset class="field">
      <legend>
        One row <span class="muted">what is left empty is missing</span>
      </legend>
      <div class="row-fields">
        {inputs.map((tensor) => (
          <label key={tensor.alias}>
            <span>
              <code>{tensor.alias}</code> <span class="muted">{tensor.dtype}</span>
            </span>
            <input
              type="text"
              inputMode={tensor.dtype === "string" ? "text" : "decimal"}
              autocomplete="off"
              value={cellOf(tensor, values.get(tensor.alias))}
              onInput={(event) => change(tensor.alias, valueWith(tensor, event.currentTarget.value))}
            />
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The only cell of a vector's value; undefined for another shape or several rows. */
function cellOf({ shape, nullable }: TensorDetail, value: InputValue | undefined): string | undefined {
  if (shape?.length !== 1 || nullable !== true || value === undefined) return undefined;
  if (value.editor === "absent") return "";
  const cells = value.editor === "cells" ? value.rows.flat() : value.editor === "texts" ? value.texts : [];
  return cells.length === 1 ? cells[0] : undefined;
}

function valueWith({ dtype, optional }: TensorDetail, text: string): InputValue {
  if (text === "" && optional === true) return { editor: "absent" };
  return dtype === "string" ? { editor: "texts", texts: [text] } : { editor: "cells", rows: [[text]] };
}
