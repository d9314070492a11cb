import { describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import type { Servable } from "../model/servable.ts";
import { ServingTable } from "./serving-table.ts";
import { withServable } from "./with-servable.ts";

const servable: Servable = { runtime: "onnxruntime", signatures: new Map(), run: () => new Map(), detach() {} };
const id = { name: "m", version: 1n };
const spec = { name: "m", signatureName: "" };

async function table(): Promise<ServingTable> {
  const made = new ServingTable();
  await made.servables.publish(id, servable);
  return made;
}

/** Whether no handle is out: only then does the retiring end. */
async function isFree(subject: ServingTable): Promise<boolean> {
  let free = false;
  void subject.servables.retire(id).then(() => {
    free = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return free;
}

describe("the version is given back", () => {
  test("after a result, which comes at once when it is there at once", async () => {
    const subject = await table();
    expect(withServable(subject, spec, (handle) => [handle.id, handle.servable])).toEqual([id, servable]);
    expect(await isFree(subject)).toBe(true);
  });

  test("after what it was used for has thrown", async () => {
    const subject = await table();
    const use = () => {
      throw new Error("thrown");
    };
    expect(() => withServable(subject, spec, use)).toThrow("thrown");
    expect(await isFree(subject)).toBe(true);
  });

  test.each<[string, (result: ReturnType<typeof deferred<string>>) => void]>([
    ["resolved", (result) => result.resolve("later")],
    ["rejected", (result) => result.reject(new Error("later"))],
  ])("only after a promise was %s", async (_case, end) => {
    const subject = await table();
    const result = deferred<string>();
    const outcome = Promise.resolve(withServable(subject, spec, () => result.promise)).catch(({ message }: Error) => message);
    const retired = subject.servables.retire(id).then(() => "retired");
    expect(await Promise.race([retired, Promise.resolve("held")])).toBe("held");
    end(result);
    expect(await outcome).toBe("later");
    expect(await retired).toBe("retired");
  });
});

test("what is not served is not used", async () => {
  const subject = await table();
  const use = () => expect.fail("used");
  expect(() => withServable(subject, { name: "n", signatureName: "" }, use)).toThrow(
    expect.objectContaining({ code: "not-found" }),
  );
});
