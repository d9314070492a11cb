import { testTargets } from "./ordinary-run.ts";
import { TRANSPORT_TARGETS } from "./transport-targets.ts";

testTargets(TRANSPORT_TARGETS);
