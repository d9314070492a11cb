import { useEffect, useId, useState } from "preact/hooks";
import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { pixelFormOf } from "./input-kind.ts";
import { takesOne } from "./input-value.ts";
import { bytes } from "./units.ts";

interface FileFieldProps {
  readonly tensor: TensorDetail;
  readonly files: readonly File[];
  readonly change: (files: readonly File[]) => void;
}

/** Files that are chosen, dropped or pasted, with a preview of those that the browser can show. */
export function FileField({ tensor, files, change }: FileFieldProps) {
  const id = useId();
  const [over, setOver] = useState(false);
  const one = takesOne(tensor);
  const take = (list: FileList | null | undefined) => {
    const taken = [...(list ?? [])];
    if (taken.length > 0) change(one ? taken.slice(0, 1) : taken);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the first is the file input within
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
      onPaste={(event) => take(event.clipboardData?.files)}
    >
      <div class="previews">
        {files.map((file) => (
          <Preview key={`${file.name} ${file.size} ${file.lastModified}`} file={file} />
        ))}
      </div>
      <label for={id}>{one ? "Drop an image here, or choose one" : "Drop images here, or choose some"}</label>
      <input id={id} type="file" accept="image/*" multiple={!one} onChange={(event) => take(event.currentTarget.files)} />
      <p class="hint">{becomes(tensor)}</p>
    </div>
  );
}

function becomes(tensor: TensorDetail): string {
  const form = pixelFormOf(tensor);
  if (form === undefined) return "The model gets the file's bytes as they are";
  const colours = form.channels === 1 ? "grey" : form.channels === 3 ? "RGB" : "RGBA";
  const size = form.height && form.width ? `resized to ${form.width} × ${form.height}, ` : "";
  return `The server decodes it: ${size}${colours}, ${form.layout}, ${tensor.dtype}`;
}

function Preview({ file }: { readonly file: File }) {
  const [url, setUrl] = useState<string | undefined>(undefined);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <figure class="preview">
      {url !== undefined && !failed && <img src={url} alt={`Preview of ${file.name}`} onError={() => setFailed(true)} />}
      <figcaption>
        {file.name} <span class="muted">{bytes(file.size)}</span>
      </figcaption>
    </figure>
  );
}
