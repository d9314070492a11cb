import { closeSync, fstatSync, openSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DescriptorTable } from "./descriptor-table.ts";

function openFile(): number {
  return openSync(import.meta.filename, "r");
}

describe("a table of descriptors", () => {
  test("closes what was noted and not taken out, seen from another thread's side", () => {
    const table = new DescriptorTable(4);
    const [kept, given] = [openFile(), openFile()];
    table.add(kept);
    table.add(given);
    table.delete(kept);
    new DescriptorTable(table.shared).closeAll();
    expect(() => fstatSync(given)).toThrow("EBADF");
    expect(fstatSync(kept).isFile()).toBe(true);
    closeSync(kept);
  });

  test("closes nothing twice", () => {
    const table = new DescriptorTable(4);
    table.add(openFile());
    table.closeAll();
    const reused = openFile();
    table.closeAll();
    expect(fstatSync(reused).isFile()).toBe(true);
    closeSync(reused);
  });

  test("takes no more than it has places for, and uses places again", () => {
    const table = new DescriptorTable(2);
    expect([table.add(100), table.add(101), table.add(102)]).toEqual([true, true, false]);
    table.delete(100);
    table.delete(100);
    expect([table.add(103), table.add(104)]).toEqual([true, false]);
    expect([...new Int32Array(table.shared).sort()]).toEqual([102, 104]);
  });
});
