import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src", "test", "scripts", "benchmark", "examples", "dashboard"].map((folder) => `${folder}/**/*.test.ts`),
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    env: { MODELPORT_POISON_BUFFERS: "1" },
    globalSetup: ["test/support/tensorflow-setup.ts"],
  },
});
