import type { ConnectionContext } from "../connection.ts";
import { DescriptorTable } from "./descriptor-table.ts";
import { Poller } from "./poller.ts";

/** Sleeps of the tests' poller: they count Node's turns, which wait for ours. */
const SLEEP_MS = 1;

let poller: Poller | undefined;

/** For tests: what a context says of adoption. Sockets are polled where that can be, unless MODELPORT_NODE_SOCKETS is set. */
export function testAdoption(): Pick<ConnectionContext, "adopt"> {
  if (process.env.MODELPORT_NODE_SOCKETS !== undefined) return {};
  poller ??= Poller.open(new DescriptorTable(4096), SLEEP_MS);
  const opened = poller;
  return opened === undefined ? {} : { adopt: (socket, address) => opened.adopt(socket, address) };
}
