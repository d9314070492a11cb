import { CODEC_TARGETS } from "./codec-targets.ts";
import { testTargets } from "./ordinary-run.ts";

testTargets(CODEC_TARGETS);
