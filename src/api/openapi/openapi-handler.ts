import { errorBody } from "../../codec/json/error-body.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import type { HttpHandler } from "../../transport/http-exchange.ts";

/** What the OpenAPI document is made of. */
export interface OpenApiServices {
  readonly table: ServingTable;
}

/** Answers `/openapi.json`. */
export function createOpenApiHandler(_services: OpenApiServices): HttpHandler {
  return () => ({ status: 501, headers: [["content-type", "application/json"]], body: errorBody("not yet") });
}
