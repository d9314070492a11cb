import { expect, test } from "vitest";
import { parseRoute, printRoute, type Route } from "./route.ts";

test.each<[string, Route | undefined]>([
  ["", { page: "overview" }],
  ["#/", { page: "overview" }],
  ["#/clients", { page: "clients" }],
  ["#/models/iris", { page: "model", model: "iris" }],
  ["#/models/a%2Fb%25%20%C3%A9/versions", { page: "versions", model: "a/b% é" }],
  ["#/models/__proto__", { page: "model", model: "__proto__" }],
  ["#/models/a/b", undefined],
  ["#/models/", undefined],
  ["#/models/%zz", undefined],
  ["#/clients/x", undefined],
  ["#/nothing", undefined],
])("%s", (hash, route) => expect(parseRoute(hash)).toEqual(route));

test.each(["iris", "a/b", "100%", "é ?#", "__proto__", "a&b=c"])("a model named %s is found by its address", (model) => {
  for (const page of ["model", "versions"] as const) expect(parseRoute(printRoute({ page, model }))).toEqual({ page, model });
});
