import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { javascriptString } from "./javascript-literal.ts";

/** Line ends and quotes: Scala before 2.13 reads `\u` escapes before anything else. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["\\u000a", "\\n"],
  ["\\u000d", "\\r"],
]);

/** A string literal in Scala. */
export function scalaString(text: string): string {
  return javascriptString(text).replace(/\\(?:u[0-9a-f]{4}|.)/g, (code) => SHORT.get(code) ?? code);
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const basic = authentication === "basic";
  const text = bodyText(body, {
    literal: scalaString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => `Seq(${parts.join(", ")}).mkString`,
  });
  const authority = tls ? ["For an authority of the server's own: -Djavax.net.ssl.trustStore=FILE."] : [];
  return joinLines(
    comment("//", [...programHead(program, "Scala 2.11 or later on Java 11, and no libraries", false), ...authority]),
    "import java.net.URI",
    "import java.net.http.{HttpClient, HttpRequest, HttpResponse}",
    "import java.time.Duration",
    basic && "import java.util.Base64",
    "",
    "object Client {",
    "  def main(arguments: Array[String]): Unit = {",
    `    val url = environment("MODELPORT_URL", ${scalaString(url)})`,
    `    val body = ${text}`,
    `    val request = HttpRequest.newBuilder(URI.create(url + ${scalaString(path)}))`,
    '      .header("Content-Type", "application/json")',
    "      .timeout(Duration.ofMinutes(1))",
    "      .POST(HttpRequest.BodyPublishers.ofString(body))",
    basic && BASIC,
    authentication === "bearer" && '    request.header("Authorization", "Bearer " + environment("MODELPORT_TOKEN", ""))',
    MAIN_END,
    hasFilled(body) && FILL,
    "  private def environment(name: String, otherwise: String): String = sys.env.getOrElse(name, otherwise)",
    "}",
  );
}

const BASIC = `\
    val credentials = environment("MODELPORT_USER", "") + ":" + environment("MODELPORT_PASSWORD", "")
    request.header("Authorization", "Basic " + Base64.getEncoder.encodeToString(credentials.getBytes("UTF-8")))`;

const MAIN_END = `\
    val response = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString())
    if (response.statusCode != 200) {
      Console.err.println(response.statusCode + ": " + response.body)
      sys.exit(1)
    }
    println(response.body)
  }
`;

const FILL = `\
  /** JSON text repeated into nested lists, the innermost size first. */
  private def fill(text: String, sizes: Int*): String =
    sizes.foldLeft(text)((inner, size) => Seq.fill(size)(inner).mkString("[", ",", "]"))
`;

/** Scala with Java's HTTP client. */
export const SCALA: ClientLanguage = {
  name: "scala",
  aliases: [],
  title: "Scala",
  fileName: "Client.scala",
  mediaType: "text/x-scala",
  write: { rest },
};
