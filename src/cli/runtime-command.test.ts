import { expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { fakeMachine, fakeWheel } from "../provisioning/fake-package-clients.ts";
import { ProgressLine } from "./progress-line.ts";
import { type RuntimeRequest, runtimeCommand, runtimeTable } from "./runtime-command.ts";

const newFolder = temporaryFolders();

function newCommand() {
  const machine = fakeMachine(newFolder(), { pip: "23.2.1" }, new Map([["tensorflow-cpu==2.18.1", fakeWheel("2.18.1")]]));
  const written = { out: "", progress: "" };
  const surroundings = {
    print: (text: string) => {
      written.out += text;
    },
    progress: {
      write: (text: string) => {
        written.progress += text;
      },
    },
    machine,
  };
  return { written, run: (request: RuntimeRequest) => runtimeCommand(request, surroundings) };
}

test("installs, lists and removes TensorFlow", async () => {
  const { written, run } = newCommand();
  expect(await run({ action: "install", name: "tensorflow" })).toBe(0);
  expect(written.out).toMatch(
    /^TensorFlow 2\.18\.1 is installed \(0\.0 MB, pip tensorflow-cpu==2\.18\.1\): \S+libtensorflow_cc\.so\.2\n$/,
  );
  expect(written.progress).toMatch(
    /^downloading tensorflow-cpu 2\.18\.1 0\.0 of 230 MB\n(.*\n)*checking tensorflow-cpu 2\.18\.1\n$/,
  );
  written.out = "";
  expect(await run({ action: "list", name: undefined })).toBe(0);
  expect(written.out).toMatch(/tensorflow +2\.18\.1 +0\.0 MB +yes +pip tensorflow-cpu==2\.18\.1\n/);
  written.out = "";
  expect(await run({ action: "remove", name: "tensorflow", version: "2.18.1" })).toBe(0);
  expect(written.out).toBe("TensorFlow 2.18.1 is removed (0.0 MB)\n");
});

test.each([
  [{ action: "upgrade", name: "tensorflow" }, 'runtime can install, list or remove, not "upgrade"'],
  [{ action: "install", name: "torch" }, 'the runtime to install must be tensorflow, got "torch"'],
  [{ action: "remove", name: undefined }, "the runtime to remove must be tensorflow, got none"],
  [{ action: "list", name: "tensorflow" }, 'runtime list takes no name, got "tensorflow"'],
])("a request that cannot be is refused (%#)", async (request, message) => {
  await expect(newCommand().run(request)).rejects.toMatchObject({ code: "invalid-argument", message });
});

test("the table has a line for each runtime", () => {
  const table = runtimeTable([
    { name: "onnxruntime", version: "1.30.0", source: "npm onnxruntime-node", gpu: false, bytes: 45_828_512, used: true },
    { name: "tensorflow", version: "2.18.1", source: "pip tensorflow==2.18.1", gpu: true, bytes: 4e9, used: false },
  ]);
  expect(table).toBe(
    [
      "  RUNTIME           VERSION  SIZE     USED  FROM",
      "  onnxruntime       1.30.0   46 MB    yes   npm onnxruntime-node",
      "  tensorflow (GPU)  2.18.1   4000 MB  no    pip tensorflow==2.18.1",
    ].join("\n"),
  );
});

test("on a terminal progress is one line that is drawn anew and taken away", () => {
  const written: string[] = [];
  const line = new ProgressLine({ isTTY: true, columns: 71, write: (text) => written.push(text) });
  line.show({ phase: "downloading", what: "tensorflow-cpu 2.18.1", bytes: 50e6, expectedBytes: 100e6 });
  line.show({ phase: "checking", what: "tensorflow-cpu 2.18.1", bytes: 0 });
  line.end();
  line.end();
  expect(written).toEqual([
    "\r\x1b[Kdownloading tensorflow-cpu 2.18.1 [############............] 50 of 100",
    "\r\x1b[Kchecking tensorflow-cpu 2.18.1",
    "\r\x1b[K",
  ]);
});

test("elsewhere there is a line for each quarter of a phase", () => {
  let written = "";
  const line = new ProgressLine({
    write: (text) => {
      written += text;
    },
  });
  for (let bytes = 0; bytes <= 100e6; bytes += 1e6) line.show({ phase: "unpacking", what: "it", bytes, expectedBytes: 100e6 });
  line.end();
  expect(written).toBe([0, 25, 50, 75, 100].map((part) => `unpacking it ${part || "0.0"} of 100 MB\n`).join(""));
});
