import { useState } from "preact/hooks";
import { Preformatted } from "./region.tsx";

interface CodeBlockProps {
  /** What it is, for screen readers. */
  readonly name: string;
  readonly code: string;
  /** Offered for download under this name. */
  readonly fileName?: string;
}

/** Text to read and to copy with one click. */
export function CodeBlock({ name, code, fileName }: CodeBlockProps) {
  return (
    <div class="code-block">
      <div class="code-actions">
        <CopyButton text={code} name={name} />
        {fileName !== undefined && (
          <button type="button" class="small" onClick={() => download(code, fileName)}>
            Download <span class="unseen">{fileName}</span>
          </button>
        )}
      </div>
      <Preformatted name={name}>
        <code>{code}</code>
      </Preformatted>
    </div>
  );
}

function CopyButton({ text, name }: { readonly text: string; readonly name: string }) {
  const [done, setDone] = useState<"copied" | "failed" | undefined>(undefined);
  const act = async () => {
    setDone((await copy(text)) ? "copied" : "failed");
    setTimeout(() => setDone(undefined), 2000);
  };
  return (
    <button type="button" class="small" onClick={() => void act()}>
      <span aria-live="polite">{done === undefined ? "Copy" : done === "copied" ? "Copied" : "Select and copy it by hand"}</span>
      {done === undefined && <span class="unseen"> {name}</span>}
    </button>
  );
}

/** The clipboard is only there for pages that came by https or from this machine; an older way does for the others. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("class", "unseen");
    document.body.append(area);
    area.select();
    try {
      return document.execCommand("copy");
    } finally {
      area.remove();
    }
  }
}

function download(text: string, fileName: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
