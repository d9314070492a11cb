import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Lua, of the text's UTF-8. */
export function luaString(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]+/g, (signs) =>
      [...new TextEncoder().encode(signs)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join(""),
    );
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: luaString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => parts.join(" .. "),
  });
  return joinLines(
    comment("--", programHead(program, `Lua 5.1 or later with LuaSocket${tls ? " and LuaSec" : ""}`, true)),
    `local http = require("${tls ? "ssl.https" : "socket.http"}")`,
    'local ltn12 = require("ltn12")',
    authentication === "basic" && 'local mime = require("mime")',
    "",
    hasFilled(body) && FILL,
    `local url = (os.getenv("MODELPORT_URL") or ${luaString(url)}) .. ${luaString(path)}`,
    `local body = ${text}`,
    'local headers = { ["Content-Type"] = "application/json", ["Content-Length"] = tostring(#body) }',
    authentication === "basic" && BASIC,
    authentication === "bearer" && 'headers["Authorization"] = "Bearer " .. (os.getenv("MODELPORT_TOKEN") or "")',
    "",
    "local parts = {}",
    `local _, status = http.request({
  url = url,
  method = "POST",
  headers = headers,
  source = ltn12.source.string(body),
  sink = ltn12.sink.table(parts),${
    tls
      ? `
  verify = "peer",
  cafile = os.getenv("MODELPORT_CA") or "/etc/ssl/certs/ca-certificates.crt",`
      : ""
  }
})`,
    MAIN_END,
  );
}

const FILL = `\
-- JSON text repeated into nested lists, the innermost size first.
local function fill(text, ...)
  for _, size in ipairs({ ... }) do
    local list = {}
    for i = 1, size do list[i] = text end
    text = "[" .. table.concat(list, ",") .. "]"
  end
  return text
end
`;

const BASIC = `\
local credentials = (os.getenv("MODELPORT_USER") or "") .. ":" .. (os.getenv("MODELPORT_PASSWORD") or "")
headers["Authorization"] = "Basic " .. mime.b64(credentials)`;

const MAIN_END = `\
local answer = table.concat(parts)
if status ~= 200 then
  io.stderr:write(tostring(status), ": ", answer, "\\n")
  os.exit(1)
end
print(answer)`;

/** Lua with LuaSocket. */
export const LUA: ClientLanguage = {
  name: "lua",
  aliases: [],
  title: "Lua",
  fileName: "client.lua",
  mediaType: "text/x-lua",
  write: { rest },
};
