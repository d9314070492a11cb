import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { rustString } from "./rust.ts";

/** A string literal in Swift. */
export function swiftString(text: string): string {
  return rustString(text);
}

function rest(program: ClientProgram): string {
  const { authentication, url, path, body } = program;
  const text = bodyText(body, {
    literal: swiftString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => `[${parts.join(", ")}].joined()`,
  });
  return joinLines(
    comment("//", programHead(program, "Swift 5.5, and no packages: swiftc main.swift", false)),
    "import Foundation",
    "#if canImport(FoundationNetworking)",
    "import FoundationNetworking",
    "#endif",
    "",
    hasFilled(body) && FILL,
    "let environment = ProcessInfo.processInfo.environment",
    `let url = environment["MODELPORT_URL"] ?? ${swiftString(url)}`,
    `let body = ${text}`,
    `var request = URLRequest(url: URL(string: url + ${swiftString(path)})!, timeoutInterval: 60)`,
    'request.httpMethod = "POST"',
    'request.setValue("application/json", forHTTPHeaderField: "Content-Type")',
    authentication === "basic" && BASIC,
    authentication === "bearer" &&
      'request.setValue("Bearer " + (environment["MODELPORT_TOKEN"] ?? ""), forHTTPHeaderField: "Authorization")',
    "request.httpBody = Data(body.utf8)",
    MAIN_END,
  );
}

const FILL = `\
/// JSON text repeated into nested lists, the innermost size first.
func fill(_ text: String, _ sizes: Int...) -> String {
    sizes.reduce(text) { inner, size in "[" + Array(repeating: inner, count: size).joined(separator: ",") + "]" }
}
`;

const BASIC = `\
let credentials = (environment["MODELPORT_USER"] ?? "") + ":" + (environment["MODELPORT_PASSWORD"] ?? "")
request.setValue("Basic " + Data(credentials.utf8).base64EncodedString(), forHTTPHeaderField: "Authorization")`;

const MAIN_END = `
let done = DispatchSemaphore(value: 0)
URLSession.shared.dataTask(with: request) { data, response, error in
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    let answer = String(decoding: data ?? Data(), as: UTF8.self)
    if status != 200 {
        let reason = error.map { String(describing: $0) } ?? "\\(status): \\(answer)"
        FileHandle.standardError.write(Data((reason + "\\n").utf8))
        exit(1)
    }
    print(answer)
    done.signal()
}.resume()
done.wait()`;

/** Swift with Foundation. */
export const SWIFT: ClientLanguage = {
  name: "swift",
  aliases: [],
  title: "Swift",
  fileName: "main.swift",
  mediaType: "text/x-swift",
  write: { rest },
};
