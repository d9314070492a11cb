import { defineConfig } from "vite";
import { CLIENT_LANGUAGES } from "../src/clients/generate-client.ts";

/** Builds the page into files that may lie below any path, and that a policy without inline code lets in. */
export default defineConfig({
  base: "./",
  define: { __CLIENT_LANGUAGES__: JSON.stringify(CLIENT_LANGUAGES) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The bundle holds others' code, whose licences ask to be named with it.
    license: { fileName: "licenses.md" },
  },
});
