import { bodyData, type DataStyle } from "../body-data.ts";
import { hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Ruby. */
export function rubyString(text: string): string {
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\#]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\u{${hexCode(sign, 1)}}`);
  return `"${escaped}"`;
}

const STYLE: DataStyle = {
  string: rubyString,
  list: ["[", "]"],
  object: ["{", "}"],
  arrow: " => ",
  words: { true: "true", false: "false", null: "nil" },
  indent: "  ",
  fill: (element, sizes) => `filled(${[element, ...sizes].join(", ")})`,
};

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body, answerKey } = program;
  return joinLines(
    comment("#", programHead(program, "Ruby 2.7, and no gems", true)),
    'require "json"',
    'require "net/http"',
    "",
    hasFilled(body) && FILLED,
    `uri = URI(ENV.fetch("MODELPORT_URL", ${rubyString(url)}) + ${rubyString(path)})`,
    'request = Net::HTTP::Post.new(uri, "Content-Type" => "application/json")',
    `request.body = JSON.generate(${bodyData(body, STYLE)})`,
    authentication === "basic" && 'request.basic_auth(ENV.fetch("MODELPORT_USER", ""), ENV.fetch("MODELPORT_PASSWORD", ""))',
    authentication === "bearer" && 'request["Authorization"] = "Bearer #{ENV.fetch("MODELPORT_TOKEN", "")}"',
    'options = { use_ssl: uri.scheme == "https", read_timeout: 60 }',
    tls && 'options[:ca_file] = ENV["MODELPORT_CA"] if ENV["MODELPORT_CA"]',
    "",
    "response = Net::HTTP.start(uri.host, uri.port, **options) { |http| http.request(request) }",
    'abort "#{response.code}: #{response.body}" unless response.is_a?(Net::HTTPSuccess)',
    "# An answer may have NaN and Infinity.",
    "answer = JSON.parse(response.body, allow_nan: true)",
    `puts JSON.generate(answer["${answerKey}"], allow_nan: true)`,
  );
}

const FILLED = `\
def filled(value, *sizes)
  sizes.reverse.reduce(value) { |inner, size| Array.new(size, inner) }
end
`;

/** Ruby's standard library. */
export const RUBY: ClientLanguage = {
  name: "ruby",
  aliases: ["rb"],
  title: "Ruby",
  fileName: "client.rb",
  mediaType: "text/x-ruby",
  write: { rest },
};
