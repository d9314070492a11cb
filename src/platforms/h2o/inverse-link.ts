import { notCovered } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** What a sum is of a mean, as H2O calls it. */
export type LinkName = "identity" | "logit" | "log";

/** How large H2O lets the result of an exponential be, but in linear models. */
const MOST = 1e19;
const NEAREST = 1e-5;

/** Adds an offset, where there is one; a missing one is 0. */
export function withOffset(value: string, offset: string | undefined, builder: ProgramBuilder): string {
  return offset === undefined ? value : builder.add([value, offset], { kind: "add-offset", missing: 0 });
}

/**
 * Adds the inverse of a link, of boosted trees or of a linear model: they differ where numbers are extreme.
 * @throws ServingError unimplemented for a link that is not known
 */
export function inverseLink(
  link: string,
  of: "boosted" | "linear",
  value: string,
  builder: ProgramBuilder,
  where: string,
  tweediePower = 0,
): string {
  switch (link) {
    case "identity":
      return value;
    case "logit":
    case "ologit":
      return builder.add(value, { kind: "link", link: { kind: "sigmoid", steepness: 1 } });
    case "log":
      return exponential(value, of === "boosted" ? [Number.NEGATIVE_INFINITY, MOST] : undefined, builder);
    case "inverse":
      // Boosted trees let all above 0 through.
      return builder.add(value, { kind: "h2o-link", link: { kind: "inverse", least: of === "boosted" ? -NEAREST : NEAREST } });
    case "tweedie":
      if (of === "boosted") return value;
      if (tweediePower === 0) return exponential(value, [2e-16, Number.POSITIVE_INFINITY], builder);
      return builder.add(value, { kind: "h2o-link", link: { kind: "power", exponent: 1 / tweediePower } });
    case "ologlog":
      if (of === "boosted") return builder.add(value, { kind: "h2o-link", link: { kind: "cloglog" } });
      break;
    default:
  }
  throw notCovered(where, `the link ${link.slice(0, 40)}`);
}

/** Adds an exponential, cut to a range. */
export function exponential(value: string, range: readonly [number, number] | undefined, builder: ProgramBuilder): string {
  const power = builder.add(value, { kind: "link", link: { kind: "exp" } });
  if (range === undefined) return power;
  return builder.add(power, { kind: "link", link: { kind: "clip", least: range[0], most: range[1] } });
}
