import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { goGrpc } from "./go-grpc.ts";
import { EXIT_ON, goString } from "./go-literal.ts";

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const text = bodyText(body, {
    literal: goString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => parts.join(" + "),
  });
  const packages = [tls && "crypto/tls", tls && "crypto/x509", "fmt", "io", "net/http", "os", "strings", "time"].filter(
    (name) => name !== false,
  );
  return joinLines(
    comment("//", programHead(program, "Go 1.21, and no modules: go run client.go", true)),
    "package main",
    "",
    `import (\n${packages.map((name) => `\t"${name}"`).join("\n")}\n)`,
    "",
    hasFilled(body) && FILL,
    "func main() {",
    '\turl := os.Getenv("MODELPORT_URL")',
    `\tif url == "" {\n\t\turl = ${goString(url)}\n\t}`,
    `\tbody := ${text}`,
    `\trequest, err := http.NewRequest("POST", url+${goString(path)}, strings.NewReader(body))`,
    "\texitOn(err)",
    '\trequest.Header.Set("Content-Type", "application/json")',
    authentication === "basic" && '\trequest.SetBasicAuth(os.Getenv("MODELPORT_USER"), os.Getenv("MODELPORT_PASSWORD"))',
    authentication === "bearer" && '\trequest.Header.Set("Authorization", "Bearer "+os.Getenv("MODELPORT_TOKEN"))',
    tls ? TLS_CLIENT : "\tclient := &http.Client{Timeout: time.Minute}",
    MAIN_END,
    EXIT_ON,
  );
}

const FILL = `\
// fill repeats JSON text into nested lists, the innermost size first.
func fill(text string, sizes ...int) string {
	for _, size := range sizes {
		text = "[" + strings.TrimSuffix(strings.Repeat(text+",", size), ",") + "]"
	}
	return text
}
`;

const TLS_CLIENT = `\
	var trusted *x509.CertPool
	if file := os.Getenv("MODELPORT_CA"); file != "" {
		certificates, err := os.ReadFile(file)
		exitOn(err)
		trusted = x509.NewCertPool()
		trusted.AppendCertsFromPEM(certificates)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	client := &http.Client{Timeout: time.Minute, Transport: transport}`;

const MAIN_END = `\
	response, err := client.Do(request)
	exitOn(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	exitOn(err)
	if response.StatusCode != http.StatusOK {
		exitOn(fmt.Errorf("%s: %s", response.Status, answer))
	}
	fmt.Println(string(answer))
}
`;

/** Go's standard library for REST, grpc-go for gRPC. */
export const GO: ClientLanguage = {
  name: "go",
  aliases: ["golang"],
  title: "Go",
  fileName: "client.go",
  mediaType: "text/x-go",
  write: { rest, grpc: goGrpc },
};
