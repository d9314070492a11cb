#!/usr/bin/env node
// The package's command. CommonJS, because loading an ES module already starts libuv's thread pool, whose size is read once:
// long model runs use it, and its default of 4 would leave cores idle.
const { availableParallelism } = process.getBuiltinModule("node:os");

process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));
void import("./main.js");
