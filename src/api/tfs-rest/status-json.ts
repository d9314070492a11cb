import { statusName } from "../../base/status-code.ts";
import type { VersionStatus } from "../../serving/version-status.ts";
import { printJson } from "./print-json.ts";

/** GetModelStatusResponse as TensorFlow Serving prints it: one-blank indent, versions as strings, a newline at the end. */
export function statusJson(statuses: readonly VersionStatus[]): Uint8Array {
  return printJson({
    model_version_status: statuses.map(({ version, state, error }) => ({
      version: String(version),
      state,
      status: { error_code: statusName(error?.code ?? "ok"), error_message: error?.message ?? "" },
    })),
  });
}
