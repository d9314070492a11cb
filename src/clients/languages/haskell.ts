import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Haskell: `\&` ends the digits of an escape. */
export function haskellString(text: string): string {
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\${sign.codePointAt(0)}\\&`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: haskellString,
    fill: (element, sizes) => `fill ${element} [${sizes.join(", ")}]`,
    join: (parts) => `concat [${parts.join(", ")}]`,
  });
  const authority = tls ? ["For an authority of the server's own: SYSTEM_CERTIFICATE_PATH=FOLDER."] : [];
  const basic = authentication === "basic";
  const bearer = authentication === "bearer";
  return joinLines(
    comment("--", [...programHead(program, "the package http-conduit: runghc Client.hs", false), ...authority]),
    "{-# LANGUAGE OverloadedStrings #-}",
    "module Main (main) where",
    "",
    authentication !== "none" && "import qualified Data.ByteString as B",
    "import qualified Data.ByteString.Lazy.Char8 as L",
    hasFilled(body) && "import Data.List (intercalate)",
    "import Data.Maybe (fromMaybe)",
    authentication !== "none" && "import qualified Data.Text as T\nimport qualified Data.Text.Encoding as T",
    "import Network.HTTP.Simple",
    "import System.Environment (lookupEnv)",
    "import System.Exit (exitFailure)",
    "import System.IO (hPutStrLn, stderr)",
    "",
    "main :: IO ()",
    "main = do",
    `  url <- variable "MODELPORT_URL" ${haskellString(url)}`,
    basic && '  user <- variable "MODELPORT_USER" ""\n  password <- variable "MODELPORT_PASSWORD" ""',
    bearer && '  token <- variable "MODELPORT_TOKEN" ""',
    `  request <- parseRequest ("POST " ++ url ++ ${haskellString(path)})`,
    `  let body = ${text}`,
    "  response <-",
    "    httpLBS",
    '      . setRequestHeader "Content-Type" ["application/json"]',
    basic && "      . setRequestBasicAuth (utf8 user) (utf8 password)",
    bearer && '      . setRequestHeader "Authorization" [utf8 ("Bearer " ++ token)]',
    "      . setRequestBodyLBS (L.pack body)",
    "      $ request",
    MAIN_END,
    VARIABLE,
    authentication !== "none" && UTF8,
    hasFilled(body) && FILL,
  );
}

const MAIN_END = `\
  let answer = getResponseBody response
  if getResponseStatusCode response == 200
    then L.putStrLn answer
    else do
      hPutStrLn stderr (show (getResponseStatusCode response) ++ ": " ++ L.unpack answer)
      exitFailure
`;

const VARIABLE = `\
variable :: String -> String -> IO String
variable name fallback = fromMaybe fallback <$> lookupEnv name`;

const UTF8 = `
utf8 :: String -> B.ByteString
utf8 = T.encodeUtf8 . T.pack`;

const FILL = `
-- | JSON text repeated into nested lists, the innermost size first.
fill :: String -> [Int] -> String
fill = foldl (\\text size -> "[" ++ intercalate "," (replicate size text) ++ "]")`;

/** Haskell with http-conduit. */
export const HASKELL: ClientLanguage = {
  name: "haskell",
  aliases: ["hs"],
  title: "Haskell",
  fileName: "Client.hs",
  mediaType: "text/x-haskell",
  write: { rest },
};
