import type { ClientLanguage } from "../client-program.ts";
import { BASH } from "./bash.ts";
import { CPP } from "./cpp.ts";
import { CSHARP } from "./csharp.ts";
import { ERLANG } from "./erlang.ts";
import { GO } from "./go.ts";
import { HASKELL } from "./haskell.ts";
import { JAVA } from "./java.ts";
import { JAVASCRIPT, TYPESCRIPT } from "./javascript.ts";
import { JSON_BODY } from "./json.ts";
import { JULIA } from "./julia.ts";
import { KOTLIN } from "./kotlin.ts";
import { LUA } from "./lua.ts";
import { PERL } from "./perl.ts";
import { PHP } from "./php.ts";
import { POWERSHELL } from "./powershell.ts";
import { PYTHON } from "./python.ts";
import { R } from "./r.ts";
import { RUBY } from "./ruby.ts";
import { RUST } from "./rust.ts";
import { SCALA } from "./scala.ts";
import { SWIFT } from "./swift.ts";

/** Every language, in the order to show them in. */
export const LANGUAGES: readonly ClientLanguage[] = [
  BASH,
  PYTHON,
  JAVASCRIPT,
  TYPESCRIPT,
  GO,
  JAVA,
  KOTLIN,
  SCALA,
  CSHARP,
  CPP,
  RUST,
  RUBY,
  PHP,
  PERL,
  R,
  SWIFT,
  LUA,
  ERLANG,
  HASKELL,
  JULIA,
  POWERSHELL,
  JSON_BODY,
];
