import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in C++, of the text's UTF-8. */
export function cppString(text: string): string {
  const escaped = text
    .replace(/["\\?]/g, "\\$&")
    .replace(/[^ -~]+/g, (signs) => [...new TextEncoder().encode(signs)].map(octal).join(""));
  return `"${escaped}"`;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, "0")}`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: cppString,
    fill: (element, sizes) => `fill(${element}, {${sizes.join(", ")}})`,
    join: (parts) => `std::string() + ${parts.join(" + ")}`,
  });
  const needs = "libcurl: c++ -std=c++17 client.cpp -lcurl -o client";
  return joinLines(
    comment("//", programHead(program, needs, true)),
    "#include <curl/curl.h>",
    "",
    "#include <cstdlib>",
    "#include <iostream>",
    "#include <string>",
    hasFilled(body) && "#include <vector>",
    "",
    VARIABLE,
    hasFilled(body) && FILL,
    COLLECT,
    "int main() {",
    `  const std::string url = variable("MODELPORT_URL", ${cppString(url)}) + ${cppString(path)};`,
    `  const std::string body = ${text};`,
    "  std::string answer;",
    '  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");',
    authentication === "bearer" &&
      '  headers = curl_slist_append(headers, ("Authorization: Bearer " + variable("MODELPORT_TOKEN", "")).c_str());',
    OPTIONS,
    authentication === "basic" && BASIC,
    tls && AUTHORITY,
    MAIN_END,
  );
}

const VARIABLE = `\
static std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}
`;

const FILL = `\
// JSON text repeated into nested lists, the innermost size first.
static std::string fill(std::string text, const std::vector<int>& sizes) {
  for (int size : sizes) {
    std::string list = "[";
    for (int i = 0; i < size; i++) list += (i > 0 ? "," : "") + text;
    text = list + "]";
  }
  return text;
}
`;

const COLLECT = `\
static size_t collect(char* bytes, size_t size, size_t count, void* answer) {
  static_cast<std::string*>(answer)->append(bytes, size * count);
  return size * count;
}
`;

const OPTIONS = `\
  CURL* curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);`;

const BASIC = `\
  curl_easy_setopt(curl, CURLOPT_USERNAME, variable("MODELPORT_USER", "").c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, variable("MODELPORT_PASSWORD", "").c_str());`;

const AUTHORITY = `\
  if (std::getenv("MODELPORT_CA")) curl_easy_setopt(curl, CURLOPT_CAINFO, std::getenv("MODELPORT_CA"));`;

const MAIN_END = `\
  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK || status != 200) {
    std::cerr << (code == CURLE_OK ? std::to_string(status) + ": " + answer : curl_easy_strerror(code)) << "\\n";
    return 1;
  }
  std::cout << answer << "\\n";
}`;

/** C++ with libcurl. */
export const CPP: ClientLanguage = {
  name: "cpp",
  aliases: ["c++", "cxx"],
  title: "C++",
  fileName: "client.cpp",
  mediaType: "text/x-c++",
  write: { rest },
};
