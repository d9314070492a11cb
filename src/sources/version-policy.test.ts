import { expect, test } from "vitest";
import { collectVersions } from "./version-directory.ts";
import { selectVersions, type VersionPolicy } from "./version-policy.ts";

test.each<[VersionPolicy, bigint[], number, bigint[]]>([
  [{ kind: "latest", count: 1 }, [5n, 3n, 1n], 1, []],
  [{ kind: "latest", count: 0 }, [5n, 3n, 1n], 1, []],
  [{ kind: "latest", count: 2 }, [5n, 3n, 1n], 2, []],
  [{ kind: "all" }, [5n, 3n, 1n], 3, []],
  [{ kind: "specific", versions: [1n, 4n, 5n, 1n] }, [5n, 1n], 2, [4n]],
  [{ kind: "specific", versions: [] }, [], 0, []],
])("%o of 5, 3 and 1", (policy, candidates, limit, missing) => {
  const selection = selectVersions(collectVersions(["3", "1", "5"]), policy);
  expect({ ...selection, candidates: selection.candidates.map(({ version }) => version) }).toEqual({
    candidates,
    limit,
    missing,
  });
});
