import { ServingError } from "../../base/serving-error.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import type { HttpHandler, HttpResponse } from "../../transport/http-exchange.ts";
import { HTTP_STATUS } from "../http-status.ts";
import { isKnownTag } from "../if-none-match.ts";
import { type DocumentRules, OpenApiDocument } from "./openapi-document.ts";

/** What the OpenAPI document is made of. */
export interface OpenApiServices extends DocumentRules {
  readonly table: ServingTable;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
}

const JSON_TYPE = ["content-type", "application/json"] as const;
const EMPTY = new Uint8Array(0);
const NOT_ALLOWED: HttpResponse = {
  status: 405,
  headers: [JSON_TYPE, ["allow", "GET, HEAD"]],
  body: errorBody("only GET is served here"),
};

/** Answers `/openapi.json` with an OpenAPI 3.1 document of what the server answers at this moment; 304 to who has it already. */
export function createOpenApiHandler({ table, reportFault, ...rules }: OpenApiServices): HttpHandler {
  const document = new OpenApiDocument(table, rules);
  return async (request) => {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") return NOT_ALLOWED;
    try {
      const { bytes, tag } = await document.current();
      // Kept by clients, but asked for each time: models come and go.
      const headers = [
        ["etag", tag],
        ["cache-control", "no-cache"],
      ] as const;
      if (isKnownTag(request.header("if-none-match"), tag)) return { status: 304, headers, body: EMPTY };
      return { status: 200, headers: [JSON_TYPE, ...headers], body: bytes };
    } catch (reason) {
      const error = ServingError.from(reason);
      if (error !== reason) reportFault(reason);
      return { status: HTTP_STATUS[error.code], headers: [JSON_TYPE], body: errorBody(error.message) };
    }
  };
}
