import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts", "benchmark/**/*.test.ts", "examples/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    env: { MODELPORT_POISON_BUFFERS: "1" },
    globalSetup: ["test/support/tensorflow-setup.ts"],
  },
});
