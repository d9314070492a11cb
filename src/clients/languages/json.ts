import type { ClientLanguage } from "../client-program.ts";
import { joinLines } from "../escapes.ts";
import { printJson } from "../json-tree.ts";

/** No program: the request's body. */
export const JSON_BODY: ClientLanguage = {
  name: "json",
  aliases: [],
  title: "JSON",
  fileName: "request.json",
  mediaType: "application/json",
  write: { rest: ({ body }) => joinLines(printJson(body)) },
};
