import { errorBody } from "../../codec/json/error-body.ts";
import type { HttpHandler } from "../../transport/http-exchange.ts";

/** The dashboard's files and figures. */
export function createDashboardHandler(): HttpHandler {
  return () => ({ status: 501, headers: [["content-type", "application/json"]], body: errorBody("not yet") });
}
