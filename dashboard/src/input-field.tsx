import { useId } from "preact/hooks";
import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { pasted, tableOf } from "./cell-table.ts";
import { Choice } from "./choice.tsx";
import type { Json } from "./exact-json.ts";
import { FileField } from "./file-field.tsx";
import { type Editor, editorsOf } from "./input-kind.ts";
import { type InputValue, initialValue, isRow } from "./input-value.ts";
import { shapeText } from "./signature-table.tsx";

interface InputFieldProps {
  readonly tensor: TensorDetail;
  readonly example: Json | undefined;
  readonly value: InputValue;
  readonly change: (value: InputValue) => void;
}

const NAMES: Readonly<Record<Editor, string>> = { cells: "Values", texts: "Text", files: "Image", json: "JSON" };

/** One input, filled in as its type asks for. */
export function InputField({ tensor, example, value, change }: InputFieldProps) {
  const editors = editorsOf(tensor);
  const fill = (editor: Editor) => change(initialValue(tensor, example, editor));
  return (
    <fieldset class="field">
      <legend>
        <code>{tensor.alias}</code> <span class="muted">{`${tensor.dtype} ${shapeText(tensor)}`}</span>
      </legend>
      {tensor.optional && (
        <label class="check">
          <input
            type="checkbox"
            checked={value.editor !== "absent"}
            onChange={(event) => (event.currentTarget.checked ? fill(editors[0]) : change({ editor: "absent" }))}
          />
          Send it; the model has a default
        </label>
      )}
      {value.editor !== "absent" && editors.length > 1 && (
        <Choice
          name={`How to fill in ${tensor.alias}`}
          options={editors.map((editor) => [editor, NAMES[editor]] as const)}
          chosen={value.editor}
          choose={fill}
        />
      )}
      <Editing tensor={tensor} value={value} change={change} />
    </fieldset>
  );
}

function Editing({ tensor, value, change }: Omit<InputFieldProps, "example">) {
  const id = useId();
  switch (value.editor) {
    case "absent":
      return null;
    case "files":
      return <FileField tensor={tensor} files={value.files} change={(files) => change({ editor: "files", files })} />;
    case "json":
      return (
        <textarea
          id={id}
          class="code"
          rows={Math.min(14, Math.max(3, value.text.split("\n").length))}
          spellcheck={false}
          aria-label={`${tensor.alias} as JSON`}
          value={value.text}
          onInput={(event) => change({ editor: "json", text: event.currentTarget.value })}
        />
      );
    case "texts":
      return <Texts tensor={tensor} texts={value.texts} change={(texts) => change({ editor: "texts", texts })} />;
    case "cells":
      return <Cells tensor={tensor} rows={value.rows} change={(rows) => change({ editor: "cells", rows })} />;
  }
}

interface TextsProps {
  readonly tensor: TensorDetail;
  readonly texts: readonly string[];
  readonly change: (texts: readonly string[]) => void;
}

function Texts({ tensor, texts, change }: TextsProps) {
  const single = tensor.shape?.length === 0;
  return (
    <>
      {texts.map((text, index) => (
        <textarea
          key={index}
          rows={2}
          aria-label={single ? tensor.alias : `${tensor.alias}, row ${index + 1}`}
          value={text}
          onInput={(event) => change(texts.with(index, event.currentTarget.value))}
        />
      ))}
      {!single && (
        <More add={() => change([...texts, ""])} remove={texts.length > 1 ? () => change(texts.slice(0, -1)) : undefined} />
      )}
    </>
  );
}

interface CellsProps {
  readonly tensor: TensorDetail;
  readonly rows: readonly (readonly string[])[];
  readonly change: (rows: readonly (readonly string[])[]) => void;
}

function Cells({ tensor, rows, change }: CellsProps) {
  const rank = tensor.shape?.length ?? 0;
  const blank = tensor.dtype === "bool" ? "false" : tensor.dtype === "string" ? "" : "0";
  const columns = rows[0]?.length ?? 1;
  const set = (r: number, c: number, cell: string) => change(rows.with(r, rows[r]!.with(c, cell)));
  const grows = rank > 0 && !isRow(tensor) && tensor.shape![0]! < 0;
  const widens = rank === 2 && tensor.shape![1]! < 0;
  return (
    <>
      <div class="grid-scroll">
        <table class="grid">
          {columns > 1 && (
            <thead>
              <tr>
                <td />
                {rows[0]!.map((_, c) => (
                  <th key={c} scope="col">
                    {c + 1}
                  </th>
                ))}
              </tr>
            </thead>
          )}
          <tbody>
            {rows.map((row, r) => (
              <tr key={r}>
                {rank > 0 && <th scope="row">{isRow(tensor) ? "" : r + 1}</th>}
                {row.map((cell, c) => (
                  <td key={c}>
                    <Cell
                      dtype={tensor.dtype}
                      label={rank === 0 ? tensor.alias : `${tensor.alias}, row ${r + 1}, column ${c + 1}`}
                      cell={cell}
                      change={(text) => set(r, c, text)}
                      paste={(table) => change(pasted(rows, table, r, c, grows))}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(grows || widens) && (
        <div class="row">
          {grows && (
            <More
              add={() => change([...rows, rows.at(-1)?.slice() ?? [blank]])}
              remove={rows.length > 1 ? () => change(rows.slice(0, -1)) : undefined}
            />
          )}
          {widens && (
            <More
              what="column"
              add={() => change(rows.map((row) => [...row, blank]))}
              remove={columns > 1 ? () => change(rows.map((row) => row.slice(0, -1))) : undefined}
            />
          )}
        </div>
      )}
    </>
  );
}

interface CellProps {
  readonly dtype: string;
  readonly label: string;
  readonly cell: string;
  readonly change: (text: string) => void;
  readonly paste: (table: readonly (readonly string[])[]) => void;
}

function Cell({ dtype, label, cell, change, paste }: CellProps) {
  if (dtype === "bool") {
    return (
      <select aria-label={label} value={cell} onChange={(event) => change(event.currentTarget.value)}>
        <option>false</option>
        <option>true</option>
      </select>
    );
  }
  return (
    <input
      type="text"
      inputMode={dtype === "string" ? "text" : "decimal"}
      autocomplete="off"
      aria-label={label}
      value={cell}
      onInput={(event) => change(event.currentTarget.value)}
      onPaste={(event) => {
        const table = tableOf(event.clipboardData?.getData("text") ?? "");
        if (table === undefined) return;
        event.preventDefault();
        paste(table);
      }}
    />
  );
}

interface MoreProps {
  readonly what?: string;
  readonly add: () => void;
  readonly remove: (() => void) | undefined;
}

function More({ what = "row", add, remove }: MoreProps) {
  return (
    <div class="row">
      <button type="button" class="small" onClick={add}>
        Add {what}
      </button>
      <button type="button" class="small" disabled={remove === undefined} onClick={remove}>
        Remove {what}
      </button>
    </div>
  );
}
