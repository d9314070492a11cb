import { expect, test } from "vitest";
import { sparklinePath } from "./sparkline-path.ts";

const CANVAS = { span: 10, width: 100, height: 23 };

test.each([
  ["ends at the right, its highest at the top", [0, 5, 10], [0, 4, 2], "M0.0 22.0L50.0 2.0L100.0 12.0"],
  ["has a gap where nothing is known", [0, 5, 6, 10], [4, null, 4, 4], "M0.0 2.0M60.0 2.0L100.0 2.0"],
  ["begins late where there is little", [9, 10], [1, 1], "M90.0 2.0L100.0 2.0"],
  ["is empty where nothing happened", [0, 5], [0, null], ""],
  ["is empty without figures", [], [], ""],
])("a line %s", (_, at, values, path) => expect(sparklinePath(at, values, CANVAS)).toBe(path));
