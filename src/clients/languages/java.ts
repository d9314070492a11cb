import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { javaGrpc } from "./java-grpc.ts";
import { ENVIRONMENT, javaString } from "./java-literal.ts";

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const basic = authentication === "basic";
  const text = bodyText(body, {
    literal: javaString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => `String.join("", ${parts.join(", ")})`,
  });
  return joinLines(
    comment("//", programHead(program, "Java 11, and no libraries: java Client.java", true)),
    tls && "import java.io.FileInputStream;\nimport java.io.InputStream;",
    "import java.net.URI;",
    "import java.net.http.HttpClient;",
    "import java.net.http.HttpRequest;",
    "import java.net.http.HttpResponse;",
    basic && "import java.nio.charset.StandardCharsets;",
    tls &&
      "import java.security.KeyStore;\nimport java.security.cert.Certificate;\nimport java.security.cert.CertificateFactory;",
    "import java.time.Duration;",
    basic && "import java.util.Base64;",
    hasFilled(body) && "import java.util.Collections;",
    tls && "import javax.net.ssl.SSLContext;\nimport javax.net.ssl.TrustManagerFactory;",
    "",
    "public class Client {",
    "    public static void main(String[] arguments) throws Exception {",
    `        String url = environment("MODELPORT_URL", ${javaString(url)});`,
    `        String body = ${text};`,
    `        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + ${javaString(path)}))`,
    '            .header("Content-Type", "application/json")',
    "            .timeout(Duration.ofMinutes(1))",
    "            .POST(HttpRequest.BodyPublishers.ofString(body));",
    basic && BASIC,
    authentication === "bearer" && '        request.header("Authorization", "Bearer " + environment("MODELPORT_TOKEN", ""));',
    `        HttpClient client = ${tls ? "HttpClient.newBuilder().sslContext(trusted()).build()" : "HttpClient.newHttpClient()"};`,
    MAIN_END,
    tls && TRUSTED,
    hasFilled(body) && FILL,
    ENVIRONMENT,
    "}",
  );
}

const BASIC = `\
        String credentials = environment("MODELPORT_USER", "") + ":" + environment("MODELPORT_PASSWORD", "");
        byte[] bytes = credentials.getBytes(StandardCharsets.UTF_8);
        request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(bytes));`;

const MAIN_END = `\
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            System.err.println(response.statusCode() + ": " + response.body());
            System.exit(1);
        }
        System.out.println(response.body());
    }
`;

const TRUSTED = `\
    /** Trusts the authority in MODELPORT_CA, or those of Java where there is none. */
    static SSLContext trusted() throws Exception {
        String file = environment("MODELPORT_CA", "");
        if (file.isEmpty()) return SSLContext.getDefault();
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream input = new FileInputStream(file)) {
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(input)) {
                store.setCertificateEntry("authority" + number++, each);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        return context;
    }
`;

const FILL = `\
    /** JSON text repeated into nested lists, the innermost size first. */
    static String fill(String text, int... sizes) {
        for (int size : sizes) text = "[" + String.join(",", Collections.nCopies(size, text)) + "]";
        return text;
    }
`;

/** Java's own HTTP client for REST, grpc-java for gRPC. */
export const JAVA: ClientLanguage = {
  name: "java",
  aliases: [],
  title: "Java",
  fileName: "Client.java",
  mediaType: "text/x-java",
  write: { rest, grpc: javaGrpc },
};
