import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Erlang. */
export function erlangString(text: string): string {
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\x{${hexCode(sign, 1)}}`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: erlangString,
    fill: (element, sizes) => `fill(${element}, [${sizes.join(", ")}])`,
    join: (parts) => `[${parts.join(", ")}]`,
  });
  const headers = [
    authentication === "basic" &&
      '{"Authorization", "Basic " ++ base64:encode_to_string(unicode:characters_to_binary(Credentials))}',
    authentication === "bearer" && '{"Authorization", "Bearer " ++ os:getenv("MODELPORT_TOKEN", "")}',
  ].filter((header) => header !== false);
  return joinLines(
    "#!/usr/bin/env escript",
    comment("%%", programHead(program, "Erlang/OTP 25, and no libraries: escript client.escript", true)),
    "",
    "main(_) ->",
    "    io:setopts([{encoding, unicode}]),",
    "    {ok, _} = application:ensure_all_started(inets),",
    tls && "    {ok, _} = application:ensure_all_started(ssl),",
    `    Url = os:getenv("MODELPORT_URL", ${erlangString(url)}) ++ ${erlangString(path)},`,
    `    Body = iolist_to_binary(${text}),`,
    authentication === "basic" &&
      '    Credentials = os:getenv("MODELPORT_USER", "") ++ ":" ++ os:getenv("MODELPORT_PASSWORD", ""),',
    `    Headers = [${headers.join(", ")}],`,
    '    Request = {Url, Headers, "application/json", Body},',
    tls && TRUSTED,
    `    Options = [{timeout, 60000}${tls ? ", {ssl, [{verify, verify_peer} | Trusted]}" : ""}],`,
    "    case httpc:request(post, Request, Options, [{body_format, binary}]) of",
    "        {ok, {{_, 200, _}, _, Answer}} ->",
    '            io:put_chars([Answer, "\\n"]);',
    "        {ok, {{_, Status, _}, _, Answer}} ->",
    '            io:format(standard_error, "~w: ~ts~n", [Status, Answer]),',
    "            halt(1);",
    "        {error, Reason} ->",
    '            io:format(standard_error, "~p~n", [Reason]),',
    "            halt(1)",
    "    end.",
    hasFilled(body) && FILL,
  );
}

const TRUSTED = `\
    Trusted =
        case os:getenv("MODELPORT_CA") of
            false -> [{cacerts, public_key:cacerts_get()}];
            File -> [{cacertfile, File}]
        end,`;

const FILL = `
%% JSON text repeated into nested lists, the innermost size first.
fill(Text, Sizes) ->
    lists:foldl(fun(Size, Inner) -> ["[", lists:join(",", lists:duplicate(Size, Inner)), "]"] end, Text, Sizes).`;

/** Erlang's own HTTP client. */
export const ERLANG: ClientLanguage = {
  name: "erlang",
  aliases: ["erl"],
  title: "Erlang",
  fileName: "client.escript",
  mediaType: "text/x-erlang",
  write: { rest },
};
