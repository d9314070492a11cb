import { describe, expect, test } from "vitest";
import type { Servable } from "../model/servable.ts";
import { ServingTable } from "./serving-table.ts";

const servable: Servable = { runtime: "onnxruntime", signatures: new Map(), run: () => new Map(), detach() {} };

async function tableWith(...versions: bigint[]): Promise<ServingTable> {
  const table = new ServingTable();
  for (const version of versions) await table.servables.publish({ name: "iris", version }, servable);
  return table;
}

describe("which version a request means", () => {
  test("is the highest available one when it names none", async () => {
    const table = await tableWith(5n, 7n, 6n);
    expect(table.acquire({ name: "iris", signatureName: "" }).id.version).toBe(7n);
  });

  test("is the one it numbers, zero included", async () => {
    const table = await tableWith(0n, 7n);
    expect(table.acquire({ name: "iris", version: 0n, signatureName: "" }).id.version).toBe(0n);
  });

  test("is the one its label stands for", async () => {
    const table = await tableWith(5n, 7n);
    table.setLabels(new Map([["iris", new Map([["stable", 5n]])]]));
    expect(table.acquire({ name: "iris", versionLabel: "stable", signatureName: "" }).id.version).toBe(5n);
  });
});

describe("a model whose traffic is split", () => {
  const LABELS = new Map([
    [
      "iris",
      new Map([
        ["stable", 5n],
        ["canary", 7n],
      ]),
    ],
  ]);
  const SPLITS = new Map([
    [
      "iris",
      new Map([
        ["stable", 9],
        ["canary", 1],
      ]),
    ],
  ]);
  const unversioned = { name: "iris", signatureName: "" };

  async function splitTable(random: number, ...versions: bigint[]): Promise<ServingTable> {
    const table = new ServingTable(() => random);
    for (const version of versions) await table.servables.publish({ name: "iris", version }, servable);
    table.setLabels(LABELS, SPLITS);
    return table;
  }

  test.each([
    [0, 5n],
    [0.89, 5n],
    [0.91, 7n],
  ])("answers a request that names no version by the label that %d falls on", async (random, version) => {
    const table = await splitTable(random, 5n, 7n, 9n);
    expect(table.acquire(unversioned).id.version).toBe(version);
  });

  test("answers a request that names a version or label by that", async () => {
    const table = await splitTable(0, 5n, 7n, 9n);
    expect(table.acquire({ ...unversioned, version: 9n }).id.version).toBe(9n);
    expect(table.acquire({ ...unversioned, versionLabel: "canary" }).id.version).toBe(7n);
  });

  test("leaves a label out of the draw whose version is not served", async () => {
    expect((await splitTable(0, 7n, 9n)).acquire(unversioned).id.version).toBe(7n);
    expect((await splitTable(0.95, 5n, 9n)).acquire(unversioned).id.version).toBe(5n);
  });

  test("answers with the latest version when none of its labels has one, and is unknown when nothing is served", async () => {
    expect((await splitTable(0, 8n, 9n)).acquire(unversioned).id.version).toBe(9n);
    const empty = await splitTable(0);
    expect(() => empty.acquire(unversioned)).toThrow("Servable not found for request: Latest(iris)");
  });

  test("is whole again once the split is gone, and splits no other model's traffic", async () => {
    const table = await splitTable(0, 5n, 9n);
    await table.servables.publish({ name: "rose", version: 3n }, servable);
    expect(table.acquire({ name: "rose", signatureName: "" }).id.version).toBe(3n);
    table.setLabels(LABELS);
    expect(table.acquire(unversioned).id.version).toBe(9n);
  });

  test("pins the version it drew", async () => {
    const table = await splitTable(0, 5n, 9n);
    const handle = table.acquire(unversioned);
    let retired = false;
    const retiring = table.servables.retire({ name: "iris", version: 5n }).then(() => (retired = true));
    await Promise.resolve();
    expect(retired).toBe(false);
    handle.release();
    expect(await retiring).toBe(true);
  });
});

describe("a request for what is not there", () => {
  test.each([
    [{ name: "", signatureName: "" }, "invalid-argument", "ModelSpec has no name specified."],
    [{ name: "rose", signatureName: "" }, "not-found", "Servable not found for request: Latest(rose)"],
    [{ name: "iris", version: 9n, signatureName: "" }, "not-found", "Servable not found for request: Specific(iris, 9)"],
    [
      { name: "iris", versionLabel: "canary", signatureName: "" },
      "invalid-argument",
      "Unrecognized servable version label: canary",
    ],
    [
      { name: "rose", versionLabel: "stable", signatureName: "" },
      "invalid-argument",
      "Unrecognized servable version label: stable",
    ],
    [{ name: "iris", versionLabel: "gone", signatureName: "" }, "not-found", "Servable not found for request: Specific(iris, 4)"],
  ])("%o is answered %s", async (spec, code, message) => {
    const table = await tableWith(7n);
    table.setLabels(new Map([["iris", new Map([["gone", 4n]])]]));
    expect(() => table.acquire(spec)).toThrow(expect.objectContaining({ code, message }));
  });
});

describe("states of versions", () => {
  const statuses = [
    { version: 1n, state: "END" },
    { version: 2n, state: "AVAILABLE" },
  ] as const;

  test("are given for every version ever seen, or for one", () => {
    const table = new ServingTable();
    table.setStatuses("iris", statuses);
    expect(table.statuses("iris")).toEqual(statuses);
    expect(table.statuses("iris", 1n)).toEqual([statuses[0]]);
  });

  test("of unknown models and versions are not found", () => {
    const table = new ServingTable();
    table.setStatuses("iris", statuses);
    expect(() => table.statuses("rose")).toThrow("Could not find any versions of model rose");
    expect(() => table.statuses("iris", 3n)).toThrow("Could not find version 3 of model iris");
  });
});
