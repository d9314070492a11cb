import { stat } from "node:fs";
import { promisify } from "node:util";

/** The attributes of what a path leads to. As that of `node:fs/promises`, for about half the CPU: looks take thousands of them a second. */
export const pathStats = promisify(stat);
