import type { ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { grpcRequest } from "../grpc-request.ts";
import { printJson } from "../json-tree.ts";
import { predictJsonDescriptor } from "../predict-messages.ts";
import { grpcProgramHead } from "../program-head.ts";
import { javascriptString } from "./javascript-literal.ts";

/** JavaScript or TypeScript with grpc-js and the few messages of a prediction. */
export function javascriptGrpc(program: ClientProgram, typed: boolean): string {
  const { authentication, grpcAddress, grpcTls } = program;
  return joinLines(
    comment("//", grpcProgramHead(program, `Node ${typed ? "22.18" : "18"}: npm install @grpc/grpc-js @grpc/proto-loader`)),
    grpcTls && 'import { readFileSync } from "node:fs";',
    typed ? 'import * as grpc from "@grpc/grpc-js";' : 'import grpc from "@grpc/grpc-js";',
    'import { fromJSON } from "@grpc/proto-loader";',
    "",
    "const environment = process.env;",
    `const server = environment.MODELPORT_GRPC ?? ${javascriptString(grpcAddress)};`,
    "// Protobuf's JSON: bytes are base64 and 64-bit integers are text.",
    `const request = JSON.parse(${javascriptString(printJson(grpcRequest(program, "list")))});`,
    "",
    "// What a prediction takes of TensorFlow Serving's messages.",
    `const messages = {\n${predictJsonDescriptor().replace(/^/gm, "  ")},\n};`,
    "const root = { nested: { tensorflow: { nested: { serving: { nested: messages } } } } };",
    typed && "type Namespace = Parameters<typeof fromJSON>[0];",
    `const definition = fromJSON(root${typed ? " as unknown as Namespace" : ""}, { keepCase: true, longs: String, enums: String, bytes: String });`,
    typed
      ? 'const Service = grpc.makeClientConstructor(\n  definition["tensorflow.serving.PredictionService"] as grpc.ServiceDefinition,\n  "PredictionService",\n);'
      : 'const Service = grpc.makeClientConstructor(definition["tensorflow.serving.PredictionService"], "PredictionService");',
    grpcTls ? SECURE : "const client = new Service(server, grpc.credentials.createInsecure());",
    "const metadata = new grpc.Metadata();",
    authentication === "basic" && BASIC,
    authentication === "bearer" && 'metadata.set("authorization", "Bearer " + (environment.MODELPORT_TOKEN ?? ""));',
    "",
    `client.Predict(request, metadata, { deadline: Date.now() + 60_000 }, (error${typed ? ": grpc.ServiceError | null" : ""}, answer${typed ? ": unknown" : ""}) => {`,
    ANSWER,
  );
}

const SECURE = `\
const trusted = environment.MODELPORT_CA ? readFileSync(environment.MODELPORT_CA) : null;
const client = new Service(server, grpc.credentials.createSsl(trusted));`;

const BASIC = `\
const credentials = \`\${environment.MODELPORT_USER ?? ""}:\${environment.MODELPORT_PASSWORD ?? ""}\`;
metadata.set("authorization", \`Basic \${Buffer.from(credentials).toString("base64")}\`);`;

const ANSWER = `\
  if (error) {
    console.error(error.message);
    process.exitCode = 1;
  } else console.log(JSON.stringify(answer));
  client.close();
});`;
