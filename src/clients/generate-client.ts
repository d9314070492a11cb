import { ServingError } from "../base/serving-error.ts";
import { type ClientLanguage, clientProgram } from "./client-program.ts";
import type { ClientProtocol, ClientSource, ClientTarget } from "./client-target.ts";
import { LANGUAGES } from "./languages/languages.ts";

/** A language as it is offered. */
export interface ClientLanguageInfo {
  /** `python`: what a request names it by. */
  readonly name: string;
  /** What else it may be named by: `golang`. */
  readonly aliases: readonly string[];
  /** `Python`, for people. */
  readonly title: string;
  readonly protocols: readonly ClientProtocol[];
}

/** Every language, in the order to show them in. */
export const CLIENT_LANGUAGES: readonly ClientLanguageInfo[] = LANGUAGES.map(({ name, aliases, title, write }) => ({
  name,
  aliases,
  title,
  protocols: Object.keys(write) as ClientProtocol[],
}));

const BY_NAME: ReadonlyMap<string, ClientLanguage> = new Map(
  LANGUAGES.flatMap((language) => [language.name, ...language.aliases].map((name) => [name, language] as const)),
);

/**
 * Writes a program that sends the target's example to the server and prints the answer. It is one file and holds no credentials.
 *
 * Throws ServingError invalid-argument for a language or protocol that there is none in, with those that there are, and for a target
 * whose URL, address or example is none.
 */
export function generateClient(language: string, protocol: ClientProtocol, target: ClientTarget): ClientSource {
  const found = BY_NAME.get(language.toLowerCase());
  if (found === undefined) {
    const names = CLIENT_LANGUAGES.filter(({ protocols }) => protocols.includes(protocol)).map(({ name }) => name);
    throw new ServingError(
      "invalid-argument",
      `no client is generated in the language "${language}", languages are: ${names.join(", ")}`,
    );
  }
  const write = found.write[protocol];
  if (write === undefined) {
    const names = CLIENT_LANGUAGES.filter(({ protocols }) => protocols.includes(protocol)).map(({ name }) => name);
    throw new ServingError(
      "invalid-argument",
      `no client in ${found.title} speaks ${protocol}, languages that do are: ${names.join(", ")}`,
    );
  }
  return { fileName: found.fileName, mediaType: found.mediaType, text: write(clientProgram(target)) };
}
