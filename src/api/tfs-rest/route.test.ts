import { describe, expect, test } from "vitest";
import { parseRoute, RouteTable } from "./route.ts";

describe("a path that is served", () => {
  test.each([
    ["POST", "/v1/models/iris:predict", { kind: "predict", model: "iris" }],
    ["POST", "/V1/Models/iris/Versions/7:classify", { kind: "classify", model: "iris", version: 7n }],
    ["POST", "/v1/models/iris/labels/stable:regress", { kind: "regress", model: "iris", label: "stable" }],
    ["POST", "/v1/models/a%2Fb%3Ac+d:predict", { kind: "predict", model: "a/b:c+d" }],
    ["GET", "/v1/models/iris", { kind: "status", model: "iris" }],
    ["GET", "/v1/models/iris/versions/9223372036854775807", { kind: "status", model: "iris", version: 9223372036854775807n }],
    ["GET", "/v1/models/iris/labels/a%2Fb/metadata", { kind: "metadata", model: "iris", label: "a/b" }],
    ["GET", "/v1/models/iris/versions/0007/metadata", { kind: "metadata", model: "iris", version: 7n }],
  ])("%s %s", (method, path, route) => {
    expect(parseRoute(method, path)).toEqual(route);
  });
});

describe("a path that is not", () => {
  test.each([
    ["GET", "/v1/models", "Missing model name in request."],
    ["GET", "/v1/models/iris:predict", "Malformed request: GET /v1/models/iris:predict"],
    ["POST", "/v1/models/iris/metadata", "Malformed request: POST /v1/models/iris/metadata"],
    ["POST", "/v1/models/iris:PREDICT", "Malformed request: POST /v1/models/iris:PREDICT"],
    ["POST", "/v1/models/iris/versions/x:predict", "Malformed request: POST /v1/models/iris/versions/x:predict"],
    [
      "POST",
      "/v1/models/iris/versions/1/labels/y:predict",
      "Malformed request: POST /v1/models/iris/versions/1/labels/y:predict",
    ],
    ["PUT", "/v1/models/iris", "Malformed request: PUT /v1/models/iris"],
    [
      "POST",
      "/v1/models/iris/versions/18446744073709551615:predict",
      "Failed to convert version: 18446744073709551615 to numeric.",
    ],
    [
      "POST",
      "/v1/models/iris/versions/9223372036854775808:predict",
      "Failed to convert version: 9223372036854775808 to numeric.",
    ],
    ["GET", "/v1/models/iris%zz", "Malformed percent-encoding in request: iris%zz"],
  ])("%s %s", (method, path, message) => {
    expect(() => parseRoute(method, path)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});

describe("a route table", () => {
  test("leaves the query aside and gives the same route again", () => {
    const routes = new RouteTable();
    const route = routes.find("POST", "/v1/models/iris:predict?verbose=1");
    expect(route).toEqual({ kind: "predict", model: "iris" });
    expect(routes.find("POST", "/v1/models/iris:predict?verbose=1")).toBe(route);
  });

  test("keeps methods apart and goes on when it is full", () => {
    const routes = new RouteTable();
    for (let i = 0; i < 3000; i++)
      expect(routes.find("POST", `/v1/models/m${i}:predict`)).toEqual({ kind: "predict", model: `m${i}` });
    expect(() => routes.find("GET", "/v1/models/m2999:predict")).toThrow("Malformed request");
  });
});
