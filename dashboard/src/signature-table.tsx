import type { SignatureDetail, TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { ScrollRegion } from "./region.tsx";

/** Inputs and outputs of a signature. */
export function SignatureTable({ signature }: { readonly signature: SignatureDetail }) {
  return (
    <>
      {signature.uncallable && <p class="notice warn">It cannot be called: {signature.uncallable}</p>}
      <ScrollRegion name="Inputs and outputs">
        <table>
          <thead>
            <tr>
              <th scope="col">Direction</th>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col">Shape</th>
            </tr>
          </thead>
          <tbody>
            {signature.inputs.map((tensor) => (
              <TensorRow key={tensor.alias} tensor={tensor} direction="input" />
            ))}
            {signature.outputs.map((tensor) => (
              <TensorRow key={tensor.alias} tensor={tensor} direction="output" />
            ))}
          </tbody>
        </table>
      </ScrollRegion>
    </>
  );
}

function TensorRow({ tensor, direction }: { readonly tensor: TensorDetail; readonly direction: "input" | "output" }) {
  return (
    <tr>
      <td>
        <span class={`direction ${direction}`}>{direction}</span>
      </td>
      <th scope="row">
        <code>{tensor.alias}</code>
        {tensor.optional && <span class="badge off">optional</span>}
      </th>
      <td>{tensor.dtype}</td>
      <td>
        <code>{shapeText(tensor)}</code>
      </td>
    </tr>
  );
}

/** A declared shape as `[batch, 8, 8]`; `any` for a free size without a name. */
export function shapeText({ shape, dimensionNames }: Pick<TensorDetail, "shape" | "dimensionNames">): string {
  if (shape === undefined) return "any shape";
  if (shape.length === 0) return "scalar";
  return `[${shape.map((size, index) => (size >= 0 ? size : dimensionNames?.[index] || "any")).join(", ")}]`;
}
