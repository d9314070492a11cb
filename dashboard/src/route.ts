/** What the page shows, as its address says after the `#`. */
export type Route =
  | { readonly page: "overview" | "clients" | "metrics" | "api" }
  | { readonly page: "model" | "versions"; readonly model: string };

/** The route of a hash such as `#/models/iris/versions`; undefined for one that leads nowhere. */
export function parseRoute(hash: string): Route | undefined {
  const [first = "", ...rest] = hash
    .replace(/^#?\/?/, "")
    .split("?")[0]!
    .split("/");
  switch (first) {
    case "":
      return { page: "overview" };
    case "clients":
    case "metrics":
    case "api":
      return rest.length === 0 ? { page: first } : undefined;
    case "models": {
      const [name = "", tab, ...more] = rest;
      const model = decode(name);
      if (!model || more.length > 0) return undefined;
      if (tab === undefined) return { page: "model", model };
      return tab === "versions" ? { page: "versions", model } : undefined;
    }
    default:
      return undefined;
  }
}

/** The hash of a route. */
export function printRoute(route: Route): string {
  switch (route.page) {
    case "overview":
      return "#/";
    case "model":
      return `#/models/${encodeURIComponent(route.model)}`;
    case "versions":
      return `#/models/${encodeURIComponent(route.model)}/versions`;
    case "clients":
    case "metrics":
    case "api":
      return `#/${route.page}`;
  }
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
