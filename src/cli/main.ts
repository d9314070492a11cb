import { Command, CommanderError } from "commander";
import { ServingError } from "../base/serving-error.ts";
import { addServerFlags, flagError, flagValuesOf, normalizeArguments } from "../config/command-line.ts";
import { resolveServerOptions, type ServerOptions } from "../config/server-options.ts";
import { serve } from "./serve.ts";
import { version } from "./version.ts";

/** Exit codes: what was asked cannot be (2), what was asked went wrong (1). */
const USAGE = 2;
const FAILURE = 1;

const print = (text: string): void => void process.stdout.write(text);

function program(done: (code: number) => void): Command {
  const modelport = new Command("modelport").description("Serves trained models over gRPC and REST").exitOverride();
  modelport.configureOutput({ outputError: () => undefined }).helpCommand(false);
  modelport.addHelpText("after", "\nFlags are listed by: modelport serve --help");
  const options = (command: Command): ServerOptions => resolveServerOptions(flagValuesOf(command), command.args, process.env);
  addServerFlags(modelport.command("serve", { isDefault: true }).argument("[paths...]"))
    .description("serve model files, folders of versions, or folders of models (the word serve may be left out)")
    .action(async (_paths: string[], _values: unknown, command: Command) => {
      const resolved = options(command);
      if (!resolved.printVersion) {
        // The table of models is for whoever looks: a full disk or a reader that went away ends no server.
        process.stdout.on("error", () => undefined);
        return done(await serve(resolved, print));
      }
      print(`modelport ${version()}\n`);
      return done(0);
    });
  addServerFlags(modelport.command("inspect").argument("[paths...]"))
    .description("load models, print what serve would print, and serve nothing")
    .action(async (_paths: string[], _values: unknown, command: Command) => {
      const { inspect } = await import("./inspect.ts");
      return done(await inspect(options(command), print));
    });
  addServerFlags(modelport.command("check-config").argument("<file>"))
    .description("read a model config file, print its models, and load nothing")
    .action(async (file: string, _values: unknown, command: Command) => {
      const { modelConfigRootDir } = resolveServerOptions(flagValuesOf(command), [], process.env);
      const { checkConfig } = await import("./check-config.ts");
      await checkConfig(file, modelConfigRootDir, print);
      return done(0);
    });
  modelport
    .command("hash-password")
    .description("read a password from standard input and print its hash, for --auth_file")
    .action(async () => {
      const { hashPasswordCommand } = await import("./hash-password.ts");
      return done(await hashPasswordCommand(process.stdin, print, (text) => void process.stderr.write(text)));
    });
  modelport
    .command("new-key")
    .argument("<name>")
    .option("--grants <grants>", "what the key lets its owner do: some of inference,admin,metrics", "inference")
    .description("print a new key and its entry for --auth_file")
    .action(async (name: string, { grants }: { grants: string }) => {
      const { newKeyCommand } = await import("./new-key.ts");
      return done(newKeyCommand(name, grants, print));
    });
  modelport
    .command("client")
    .argument("[name]", "a model that a server serves, or the path of one")
    .option("--language <language>", "one of those that --list shows", "bash")
    .option("--protocol <protocol>", "rest or grpc", "rest")
    .option("--url <url>", "the server (default: http://127.0.0.1:8501)")
    .option("--signature_name <name>", "the signature to call (default: the model's default one)")
    .option("--output <file>", "the file to write (default: standard output)")
    .option("--list", "print the languages")
    .description("print a program that asks a model for a prediction")
    .action(async (name: string | undefined, options: ClientOptions) => {
      const { signature_name: signatureName, ...others } = options;
      const { clientCommand } = await import("./client-command.ts");
      const request = { ...others, name, ...(signatureName !== undefined && { signatureName }) };
      return done(await clientCommand(request, print, process.env));
    });
  modelport
    .command("runtime")
    .argument("<action>", "install, list or remove")
    .argument("[name]", "tensorflow")
    .option("--version <version>", "the version to install or remove")
    .option("--gpu", "install the build for NVIDIA's GPUs")
    .description("install, list or remove the native libraries that models are run with")
    .action(async (action: string, name: string | undefined, options: { version?: string; gpu?: boolean }) => {
      const { runtimeCommand } = await import("./runtime-command.ts");
      return done(await runtimeCommand({ action, name, ...options }, { print, progress: process.stderr }));
    });
  return modelport;
}

/** Options of `modelport client` as commander names them. */
interface ClientOptions {
  readonly language: string;
  readonly protocol: string;
  readonly url?: string;
  readonly signature_name?: string;
  readonly output?: string;
  readonly list?: boolean;
}

/** The commands `client` and `runtime` have none of the server's flags, and the latter's `--version` takes a value. */
function commandLine(argv: readonly string[]): readonly string[] {
  return argv[0] === "runtime" || argv[0] === "client" ? argv : normalizeArguments(argv);
}

async function main(): Promise<number> {
  let code = 0;
  try {
    await program((value) => {
      code = value;
    }).parseAsync(commandLine(process.argv.slice(2)), { from: "user" });
    return code;
  } catch (thrown) {
    const reason = flagError(thrown);
    if (reason instanceof CommanderError) return reason.exitCode;
    const error = ServingError.from(reason);
    process.stderr.write(`modelport: ${error.message}\n`);
    if (!(reason instanceof ServingError)) process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`);
    return error.code === "invalid-argument" || error.code === "not-found" ? USAGE : FAILURE;
  }
}

process.exitCode = await main();
