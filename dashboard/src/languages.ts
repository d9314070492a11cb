import type { ClientLanguageInfo } from "../../src/clients/generate-client.ts";

/** Put in its place when the page is built, so that the programs' texts are not bundled with their names. */
declare const __CLIENT_LANGUAGES__: readonly ClientLanguageInfo[];

/** Every language that clients are generated in. */
export const LANGUAGES: readonly ClientLanguageInfo[] = __CLIENT_LANGUAGES__;
