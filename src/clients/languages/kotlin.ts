import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Kotlin. */
export function kotlinString(text: string): string {
  const escaped = text.replace(/["\\$]/g, "\\$&").replace(/[^ -~]/g, (unit) => `\\u${hexCode(unit, 4)}`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const basic = authentication === "basic";
  const text = bodyText(body, {
    literal: kotlinString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => `listOf(${parts.join(", ")}).joinToString("")`,
  });
  const authority = tls ? ["For an authority of the server's own: -Djavax.net.ssl.trustStore=FILE."] : [];
  return joinLines(
    comment("//", [...programHead(program, "Kotlin 1.3 on Java 11, and no libraries", false), ...authority]),
    "import java.net.URI",
    "import java.net.http.HttpClient",
    "import java.net.http.HttpRequest",
    "import java.net.http.HttpResponse",
    "import java.time.Duration",
    basic && "import java.util.Base64",
    "import kotlin.system.exitProcess",
    "",
    hasFilled(body) && FILL,
    "fun environment(name: String, otherwise: String) = System.getenv(name) ?: otherwise",
    "",
    "fun main() {",
    `    val url = environment("MODELPORT_URL", ${kotlinString(url)})`,
    `    val body = ${text}`,
    `    val request = HttpRequest.newBuilder(URI.create(url + ${kotlinString(path)}))`,
    '        .header("Content-Type", "application/json")',
    "        .timeout(Duration.ofMinutes(1))",
    "        .POST(HttpRequest.BodyPublishers.ofString(body))",
    basic && BASIC,
    authentication === "bearer" && '    request.header("Authorization", "Bearer " + environment("MODELPORT_TOKEN", ""))',
    MAIN_END,
  );
}

const FILL = `\
/** JSON text repeated into nested lists, the innermost size first. */
fun fill(text: String, vararg sizes: Int) =
    sizes.fold(text) { inner, size -> List(size) { inner }.joinToString(",", "[", "]") }
`;

const BASIC = `\
    val credentials = environment("MODELPORT_USER", "") + ":" + environment("MODELPORT_PASSWORD", "")
    request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials.toByteArray()))`;

const MAIN_END = `\
    val response = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString())
    if (response.statusCode() != 200) {
        System.err.println(response.statusCode().toString() + ": " + response.body())
        exitProcess(1)
    }
    println(response.body())
}`;

/** Kotlin with Java's HTTP client. */
export const KOTLIN: ClientLanguage = {
  name: "kotlin",
  aliases: ["kt"],
  title: "Kotlin",
  fileName: "Client.kt",
  mediaType: "text/x-kotlin",
  write: { rest },
};
