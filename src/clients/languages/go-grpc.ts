import type { ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { grpcRequest } from "../grpc-request.ts";
import { printJson } from "../json-tree.ts";
import { predictDescriptor } from "../predict-messages.ts";
import { grpcProgramHead } from "../program-head.ts";
import { EXIT_ON, goString } from "./go-literal.ts";

/** Go with grpc-go and the few messages of a prediction. */
export function goGrpc(program: ClientProgram): string {
  const { authentication, grpcAddress, grpcTls } = program;
  const packages = [
    "context",
    grpcTls && "crypto/tls",
    grpcTls && "crypto/x509",
    authentication === "basic" && "encoding/base64",
    "fmt",
    "os",
    "time",
    "",
    "google.golang.org/grpc",
    grpcTls ? "google.golang.org/grpc/credentials" : "google.golang.org/grpc/credentials/insecure",
    authentication !== "none" && "google.golang.org/grpc/metadata",
    "google.golang.org/protobuf/encoding/protojson",
    "google.golang.org/protobuf/encoding/prototext",
    "google.golang.org/protobuf/reflect/protodesc",
    "google.golang.org/protobuf/types/descriptorpb",
    "google.golang.org/protobuf/types/dynamicpb",
  ].filter((name) => name !== false);
  return joinLines(
    comment("//", grpcProgramHead(program, "the modules: go mod init client && go mod tidy && go run client.go")),
    "package main",
    "",
    `import (\n${packages.map((name) => (name === "" ? "" : `\t"${name}"`)).join("\n")}\n)`,
    "",
    "// What a prediction takes of TensorFlow Serving's messages.",
    `const messages = \`\n${predictDescriptor()}\n\``,
    "",
    `const request = ${goString(printJson(grpcRequest(program, "list")))}`,
    "",
    "func main() {",
    '\tserver := os.Getenv("MODELPORT_GRPC")',
    `\tif server == "" {\n\t\tserver = ${goString(grpcAddress)}\n\t}`,
    MESSAGES,
    grpcTls ? SECURE : "\tsecurity := insecure.NewCredentials()",
    CONNECT,
    authentication === "basic" && BASIC,
    authentication === "bearer" &&
      '\tcall = metadata.AppendToOutgoingContext(call, "authorization", "Bearer "+os.Getenv("MODELPORT_TOKEN"))',
    ANSWER,
    EXIT_ON,
  );
}

const MESSAGES = `\
	file := &descriptorpb.FileDescriptorProto{}
	exitOn(prototext.Unmarshal([]byte(messages), file))
	descriptors, err := protodesc.NewFile(file, nil)
	exitOn(err)
	question := dynamicpb.NewMessage(descriptors.Messages().ByName("PredictRequest"))
	exitOn(protojson.Unmarshal([]byte(request), question))
	answer := dynamicpb.NewMessage(descriptors.Messages().ByName("PredictResponse"))
`;

const SECURE = `\
	var trusted *x509.CertPool
	if file := os.Getenv("MODELPORT_CA"); file != "" {
		certificates, err := os.ReadFile(file)
		exitOn(err)
		trusted = x509.NewCertPool()
		trusted.AppendCertsFromPEM(certificates)
	}
	security := credentials.NewTLS(&tls.Config{RootCAs: trusted})`;

const CONNECT = `\
	connection, err := grpc.NewClient(server, grpc.WithTransportCredentials(security))
	exitOn(err)
	defer connection.Close()
	call, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()`;

const BASIC = `\
	user := os.Getenv("MODELPORT_USER") + ":" + os.Getenv("MODELPORT_PASSWORD")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(user))
	call = metadata.AppendToOutgoingContext(call, "authorization", basic)`;

const ANSWER = `\
	exitOn(connection.Invoke(call, "/tensorflow.serving.PredictionService/Predict", question, answer))
	fmt.Println(protojson.Format(answer))
}
`;
