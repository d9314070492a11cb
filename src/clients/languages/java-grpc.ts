import type { ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { grpcRequest } from "../grpc-request.ts";
import { printJson } from "../json-tree.ts";
import { predictDescriptor } from "../predict-messages.ts";
import { grpcProgramHead } from "../program-head.ts";
import { ENVIRONMENT, javaString } from "./java-literal.ts";

/** Libraries on Maven Central; JBang reads these lines. */
const LIBRARIES = [
  "io.grpc:grpc-netty-shaded:1.68.1",
  "io.grpc:grpc-protobuf:1.68.1",
  "io.grpc:grpc-stub:1.68.1",
  "com.google.protobuf:protobuf-java-util:3.25.5",
];

/** Longest string constant that is written in one piece, in characters. */
const PIECE = 8000;

/** Java with grpc-java and the few messages of a prediction. */
export function javaGrpc(program: ClientProgram): string {
  const { authentication, grpcAddress, grpcTls } = program;
  const request = printJson(grpcRequest(program, "list")).match(new RegExp(`.{1,${PIECE}}`, "g")) ?? [];
  const basic = authentication === "basic";
  return joinLines(
    comment(
      "//",
      grpcProgramHead(program, "Java 17 and the libraries below: jbang Client.java, or java -cp 'FOLDER/*' Client.java"),
    ),
    LIBRARIES.map((library) => `//DEPS ${library}`).join("\n"),
    "import com.google.protobuf.DescriptorProtos.FileDescriptorProto;",
    "import com.google.protobuf.Descriptors.FileDescriptor;",
    "import com.google.protobuf.DynamicMessage;",
    "import com.google.protobuf.TextFormat;",
    "import com.google.protobuf.util.JsonFormat;",
    "import io.grpc.CallOptions;",
    "import io.grpc.Channel;",
    authentication !== "none" && "import io.grpc.ClientInterceptors;",
    "import io.grpc.Grpc;",
    !grpcTls && "import io.grpc.InsecureChannelCredentials;",
    "import io.grpc.ManagedChannel;",
    authentication !== "none" && "import io.grpc.Metadata;",
    "import io.grpc.MethodDescriptor;",
    "import io.grpc.StatusRuntimeException;",
    grpcTls && "import io.grpc.TlsChannelCredentials;",
    "import io.grpc.protobuf.ProtoUtils;",
    "import io.grpc.stub.ClientCalls;",
    authentication !== "none" && "import io.grpc.stub.MetadataUtils;",
    grpcTls && "import java.io.File;",
    basic && "import java.nio.charset.StandardCharsets;",
    basic && "import java.util.Base64;",
    "import java.util.concurrent.TimeUnit;",
    "",
    "public class Client {",
    "    // What a prediction takes of TensorFlow Serving's messages.",
    `    static final String MESSAGES = """\n${predictDescriptor().replace(/^/gm, "        ")}\n        """;`,
    "",
    "    public static void main(String[] arguments) throws Exception {",
    `        String server = environment("MODELPORT_GRPC", ${javaString(grpcAddress)});`,
    `        String json = ${request.length === 1 ? javaString(request[0]) : `String.join("", ${request.map(javaString).join(", ")})`};`,
    MESSAGES_READ,
    grpcTls
      ? SECURE
      : "        ManagedChannel channel = Grpc.newChannelBuilder(server, InsecureChannelCredentials.create()).build();",
    "        Channel channelOfCall = channel;",
    authentication !== "none" && METADATA(basic ? BASIC : BEARER),
    ANSWER,
    ENVIRONMENT,
    "}",
  );
}

const MESSAGES_READ = `\
        FileDescriptorProto.Builder builder = FileDescriptorProto.newBuilder();
        TextFormat.merge(MESSAGES, builder);
        FileDescriptor file = FileDescriptor.buildFrom(builder.build(), new FileDescriptor[0]);
        DynamicMessage.Builder request = DynamicMessage.newBuilder(file.findMessageTypeByName("PredictRequest"));
        JsonFormat.parser().merge(json, request);
        DynamicMessage response = DynamicMessage.getDefaultInstance(file.findMessageTypeByName("PredictResponse"));
        MethodDescriptor<DynamicMessage, DynamicMessage> predict = MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("tensorflow.serving.PredictionService/Predict")
            .setRequestMarshaller(ProtoUtils.marshaller(request.getDefaultInstanceForType()))
            .setResponseMarshaller(ProtoUtils.marshaller(response))
            .build();
`;

const SECURE = `\
        TlsChannelCredentials.Builder security = TlsChannelCredentials.newBuilder();
        String authority = environment("MODELPORT_CA", "");
        if (!authority.isEmpty()) security.trustManager(new File(authority));
        ManagedChannel channel = Grpc.newChannelBuilder(server, security.build()).build();`;

const BASIC = `\
        String user = environment("MODELPORT_USER", "") + ":" + environment("MODELPORT_PASSWORD", "");
        String credentials = "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8));`;

const BEARER = `\
        String credentials = "Bearer " + environment("MODELPORT_TOKEN", "");`;

const METADATA = (credentials: string) => `\
${credentials}
        Metadata metadata = new Metadata();
        metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), credentials);
        channelOfCall = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));`;

const ANSWER = `\
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(1, TimeUnit.MINUTES);
        try {
            System.out.println(JsonFormat.printer().print(
                ClientCalls.blockingUnaryCall(channelOfCall, predict, options, request.build())));
        } catch (StatusRuntimeException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        } finally {
            channel.shutdown();
        }
    }
`;
