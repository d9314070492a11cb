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

/** The command `runtime` has none of the server's flags, and its `--version` takes a value. */
function commandLine(argv: readonly string[]): readonly string[] {
  return argv[0] === "runtime" ? argv : normalizeArguments(argv);
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
