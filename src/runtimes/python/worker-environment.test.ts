import { expect, test } from "vitest";
import { workerEnvironment } from "./worker-environment.ts";

test("a worker gets what Python and its libraries look at, and what is named, but no other variable", () => {
  const server = {
    PATH: "/bin",
    LC_ALL: "C",
    CUDA_VISIBLE_DEVICES: "1",
    DATABASE_PASSWORD: "x",
    TOKEN: "y",
    PYTHONPATH: "/p",
    EMPTY: undefined,
  };
  expect(workerEnvironment(server, ["TOKEN"], undefined)).toEqual({
    PATH: "/bin",
    LC_ALL: "C",
    CUDA_VISIBLE_DEVICES: "1",
    TOKEN: "y",
    PYTHONPATH: "/p",
  });
});

test("its libraries take their share of the cores, unless the server's environment says how many", () => {
  const found = workerEnvironment({ OMP_NUM_THREADS: "7" }, [], 2);
  expect([found.OMP_NUM_THREADS, found.MKL_NUM_THREADS]).toEqual(["7", "2"]);
});
