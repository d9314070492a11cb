import { expect, test } from "vitest";
import { cacheFolder, type Machine } from "./machine.ts";
import { withoutPlaces } from "./reason.ts";

test.each([
  ["linux", {}, "/home/me/.cache/modelport"],
  ["linux", { XDG_CACHE_HOME: "/var/cache" }, "/var/cache/modelport"],
  ["linux", { XDG_CACHE_HOME: "/var/cache", MODELPORT_CACHE_DIR: "/srv/mp" }, "/srv/mp"],
  ["linux", { XDG_CACHE_HOME: "", MODELPORT_CACHE_DIR: "" }, "/home/me/.cache/modelport"],
  ["darwin", {}, "/home/me/Library/Caches/modelport"],
  ["win32", { LOCALAPPDATA: "/local" }, "/local/modelport"],
] as const)("the cache is where the system has its caches, or where it is said to be (%#)", (platform, env, folder) => {
  expect(cacheFolder({ platform, env, home: "/home/me" } as unknown as Machine)).toBe(folder);
});

test.each([
  [
    "ERROR: HTTP error 404 while getting https://index.example/simple/x (from y)",
    "ERROR: HTTP error 404 while getting (address) (from y)",
  ],
  ["[Errno 13] Permission denied: '/home/u/.cache/pip/x'", "[Errno 13] Permission denied: 'x'"],
  ["HTTPSConnectionPool(host='index.example', port=443)", "HTTPSConnectionPool(host, port=443)"],
  ["/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found", "libc.so.6: version `GLIBC_2.34' not found"],
  ["two\n  lines", "two lines"],
  ["and/or 1/2", "and/or 1/2"],
])("what another program said is told without addresses and paths (%#)", (said, told) => {
  expect(withoutPlaces(said)).toBe(told);
});

test("a long reason is cut", () => {
  expect(withoutPlaces("a".repeat(1000))).toHaveLength(300);
});
