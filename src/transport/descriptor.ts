import { constants } from "node:os";
import koffi, { type LibraryHandle } from "koffi";
import { prepareNativeCalls } from "../base/native-calls.ts";
import { ServingError } from "../base/serving-error.ts";

/** `F_DUPFD_CLOEXEC` of fcntl(2): a duplicate that processes started later do not inherit. */
const DUPLICATE_CLOSE_ON_EXEC: Partial<Record<NodeJS.Platform, number>> = { linux: 1030, darwin: 67 };

let fcntl: ReturnType<LibraryHandle["func"]> | undefined;

/**
 * A second descriptor of an open file or socket, so that each thread of the process can own and close one. The caller owns
 * the result. Throws `unimplemented` where descriptors cannot be shared this way (Windows) and `invalid-argument` when `fd`
 * is not open.
 */
export function duplicateDescriptor(fd: number): number {
  const command = DUPLICATE_CLOSE_ON_EXEC[process.platform];
  if (command === undefined) {
    throw new ServingError(
      "unimplemented",
      `listening on several threads is not supported on ${process.platform}; use one thread`,
    );
  }
  prepareNativeCalls();
  fcntl ??= koffi.load(null).func("int fcntl(int fd, int command, ...)");
  const duplicate: number = fcntl(fd, command, "int", 0);
  if (duplicate >= 0) return duplicate;
  const name = Object.entries(constants.errno).find(([, value]) => value === koffi.errno())?.[0] ?? "unknown error";
  throw new ServingError("invalid-argument", `cannot duplicate descriptor ${fd}: ${name}`);
}
