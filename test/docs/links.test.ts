import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { anchors, type Document, documents, prose, ROOT } from "./documents.ts";

const DOCUMENTS = documents();
const TEXTS = new Map(DOCUMENTS.map(({ path, text }) => [path, text]));

interface Link {
  readonly line: number;
  readonly target: string;
}

/** Links and images, written in place or as references, that lead into the repository. */
function links({ text }: Document): readonly Link[] {
  return prose(text)
    .split("\n")
    .flatMap((line, index) => {
      const plain = line.replace(/`[^`]*`/g, "");
      const targets = [
        ...plain.matchAll(/\]\(\s*<?([^()\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
        ...plain.matchAll(/^\[[^\]]+\]:\s+(\S+)/g),
      ];
      return targets.map(([, target]) => ({ line: index + 1, target: target! }));
    })
    .filter(({ target }) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

/** What is wrong with a link; undefined when nothing is. */
function fault(from: string, target: string): string | undefined {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), decodeURIComponent(file)));
  if (path.startsWith("..")) return "leads out of the repository";
  if (!existsSync(join(ROOT, path))) return "no such file";
  if (anchor === undefined) return undefined;
  const text = TEXTS.get(path);
  if (text === undefined) return "an anchor in what is no document";
  return anchors(text).has(anchor) ? undefined : "no such heading";
}

describe("every relative link leads somewhere", () => {
  test.each(DOCUMENTS.map((document) => [document.path, document] as const))("in %s", (path, document) => {
    const faults = links(document).flatMap(({ line, target }) => {
      const found = fault(path, target);
      return found === undefined ? [] : [`line ${line}: ${target}: ${found}`];
    });
    expect(faults).toEqual([]);
  });
});

test("links and what is wrong with them are found", () => {
  const text =
    '[a](b.md) `[no](code.md)` ![c](<d.png> "title")\n\n    [no](indented.md)\n\n```\n[no](fenced.md)\n```\n[x]: e.md\n[w](https://e.org)';
  expect(links({ path: "x.md", text }).map(({ target }) => target)).toEqual(["b.md", "d.png", "e.md"]);
  expect(fault("docs/x.md", "../../outside.md")).toBe("leads out of the repository");
  expect(fault("README.md", "no-such-file.md")).toBe("no such file");
  expect(fault("README.md", "#no-such-heading")).toBe("no such heading");
  expect(fault("docs/guide/operating.md", "../../README.md#status")).toBeUndefined();
});

test("headings have the anchors that GitHub gives them", () => {
  const text =
    "# A `--flag`, and more\n## tensorflow.serving.ModelService\n## Same\n## Same\n```\n# not one\n```\n## [Linked](x.md) text";
  expect([...anchors(text)]).toEqual(["a---flag-and-more", "tensorflowservingmodelservice", "same", "same-1", "linked-text"]);
});
