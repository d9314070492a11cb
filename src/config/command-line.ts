import { Command, CommanderError, Option } from "commander";
import { ServingError } from "../base/serving-error.ts";
import { type FlagValue, parseFlagValue } from "./flag-value.ts";
import { FLAGS, type Flag, findFlag } from "./flags.ts";
import { nearestName } from "./nearest-name.ts";
import { type Environment, resolveServerOptions, type ServerOptions } from "./server-options.ts";

/** Values by flag name, of those flags only that were written. */
export type FlagValues = ReadonlyMap<string, FlagValue>;

/** A command line taken apart. */
export interface ParsedFlags {
  readonly values: FlagValues;
  /** What is no flag: paths to serve. */
  readonly paths: readonly string[];
  readonly options: ServerOptions;
}

/** Words that are a command's name rather than a path when they come first among what is no flag. */
const COMMANDS: ReadonlySet<string> = new Set(["serve", "inspect", "check-config"]);

/**
 * Adds every flag of the server to a command. Arguments must go through {@link normalizeArguments} before the command
 * parses them; {@link flagValuesOf} takes the values out again; what the command throws goes through {@link flagError}.
 */
export function addServerFlags(command: Command): Command {
  for (const flag of FLAGS) command.addOption(makeOption(flag));
  return command.exitOverride().configureOutput({ outputError: () => undefined });
}

/**
 * Writes arguments the way commander takes them: a boolean gets the value it leaves out (commander would take the next
 * argument for it, which is its own only when it is `true` or `false`), and a known flag may have dashes for underscores
 * (`--rest-api-port`). The command's word comes first, wherever it was written. What follows `--` stays.
 */
export function normalizeArguments(argv: readonly string[]): string[] {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const normal: string[] = [];
  for (let at = 0; at < end; at++) {
    const found = /^--([^=]+)(=.*)?$/s.exec(argv[at]!);
    const flag = found && (findFlag(found[1]!) ?? findFlag(found[1]!.replaceAll("-", "_")));
    const value = found?.[2];
    if (!flag) normal.push(argv[at]!);
    else if (value !== undefined) normal.push(`--${flag.name}${value}`);
    else if (flag.kind !== "boolean") normal.push(at + 1 < end ? `--${flag.name}=${argv[++at]!}` : `--${flag.name}`);
    else if (at + 1 < end && /^(?:true|false)$/i.test(argv[at + 1]!)) normal.push(`--${flag.name}=${argv[++at]!}`);
    else normal.push(`--${flag.name}=true`);
  }
  const word = normal.findIndex((argument) => !argument.startsWith("-"));
  if (word > 0 && COMMANDS.has(normal[word]!)) normal.unshift(...normal.splice(word, 1));
  return [...normal, ...argv.slice(end)];
}

/** The values of the flags that were written, out of a command that has parsed its arguments. */
export function flagValuesOf(command: Command): FlagValues {
  return new Map(Object.entries(command.opts<Record<string, FlagValue>>()).filter(([name]) => findFlag(name) !== undefined));
}

/**
 * What commander threw about a command line, as a ServingError invalid-argument that names the flag, and for an unknown one
 * the nearest known. Everything else (the end of `--help` as well) is given back as it is.
 */
export function flagError(reason: unknown): unknown {
  if (!(reason instanceof CommanderError) || reason.exitCode === 0) return reason;
  const written = /'(--?[^' =]+)/.exec(reason.message)?.[1] ?? "";
  if (reason.code !== "commander.unknownOption") {
    return new ServingError("invalid-argument", reason.message.replace(/^error: /, ""), { cause: reason });
  }
  const nearest = nearestName(
    written.replace(/^-+/, "").replaceAll("-", "_"),
    FLAGS.map((flag) => flag.name),
  );
  const hint = nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
  return new ServingError("invalid-argument", `unknown flag ${written}, ${hint}`, { cause: reason });
}

/**
 * Takes apart the arguments of a command that knows the server's flags and paths only.
 * @throws ServingError invalid-argument that names the flag at fault
 */
export function parseFlags(argv: readonly string[], environment: Environment): ParsedFlags {
  const command = addServerFlags(new Command("serve").argument("[paths...]").helpOption(false));
  try {
    command.parse(normalizeArguments(argv), { from: "user" });
  } catch (reason) {
    throw flagError(reason);
  }
  const values = flagValuesOf(command);
  const paths = command.args;
  return { values, paths, options: resolveServerOptions(values, paths, environment) };
}

function makeOption(flag: Flag): Option {
  const fallback = flag.default ? ` (default: ${flag.default})` : "";
  const accepted = flag.choices?.join("|") ?? flag.kind;
  const option = new Option(`--${flag.name} <${accepted}>`, flag.help + fallback);
  option.argParser((text, previous?: unknown) => {
    const value = parseFlagValue(flag, text);
    return flag.repeats && Array.isArray(previous) && Array.isArray(value) ? [...(previous as string[]), ...value] : value;
  });
  return flag.take === "yes" || flag.take === "map" ? option : option.hideHelp();
}
