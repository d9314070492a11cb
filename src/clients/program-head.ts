import type { ClientProgram } from "./client-program.ts";

/**
 * What a program says of itself, in lines of plain ASCII that hold nothing a user named. `needs` is what it takes to run it: `Python 3.8`;
 * `authority` whether the program reads MODELPORT_CA.
 */
export function programHead(program: ClientProgram, needs: string, authority: boolean): readonly string[] {
  return head(program.authentication, "MODELPORT_URL", needs, authority && program.tls);
}

/** The same of a program that speaks gRPC. */
export function grpcProgramHead(program: ClientProgram, needs: string): readonly string[] {
  return head(program.authentication, "MODELPORT_GRPC", needs, program.grpcTls);
}

function head(
  authentication: ClientProgram["authentication"],
  server: string,
  needs: string,
  authority: boolean,
): readonly string[] {
  return [
    "Asks a model for a prediction and prints the answer.",
    `Needs ${needs}.`,
    `Reads from the environment ${server} (another server)${
      authentication === "basic"
        ? ", MODELPORT_USER and MODELPORT_PASSWORD"
        : authentication === "bearer"
          ? ", MODELPORT_TOKEN"
          : ""
    }${authority ? ", MODELPORT_CA (file of the server's certificate authority)" : ""}.`,
  ];
}
