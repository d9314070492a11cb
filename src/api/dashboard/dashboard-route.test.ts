import { describe, expect, test } from "vitest";
import { parseDashboardPath } from "./dashboard-route.ts";

describe("a path of the dashboard", () => {
  test.each([
    ["/", { kind: "redirect", location: "dashboard/" }],
    ["/dashboard", { kind: "redirect", location: "dashboard/" }],
    ["/json_inference", { kind: "redirect", location: "dashboard/#/" }],
    ["/image_inference", { kind: "redirect", location: "dashboard/#/" }],
    ["/generate_clients", { kind: "redirect", location: "dashboard/#/clients" }],
    ["/dashboard/", { kind: "file", name: "index.html" }],
    ["/dashboard/assets/index-1.js", { kind: "file", name: "assets/index-1.js" }],
    ["/dashboard/api", { kind: "file", name: "api" }],
    ["/dashboard/../../x", { kind: "file", name: "../../x" }],
    ["/dashboard/api/session", { kind: "session" }],
    ["/dashboard/api/state", { kind: "state" }],
    ["/dashboard/api/figures", { kind: "figures" }],
    ["/dashboard/api/events", { kind: "events" }],
    ["/dashboard/api/models/a/history", { kind: "history", model: "a" }],
    ["/dashboard/api/models/a%2Fb%3A%C3%A4/history", { kind: "history", model: "a/b:ä" }],
    ["/dashboard/api/models/a/versions/9223372036854775807", { kind: "version", model: "a", version: 2n ** 63n - 1n }],
  ])("%s leads somewhere", (path, route) => {
    expect(parseDashboardPath(path)).toEqual(route);
  });

  test.each([
    "/dashboard/api/",
    "/dashboard/api/sessions",
    "/dashboard/api/state/",
    "/dashboard/api/models",
    "/dashboard/api/models//history",
    "/dashboard/api/models/a/b/history",
    "/dashboard/api/models/%E4/history",
    "/dashboard/api/models/a/versions/",
    "/dashboard/api/models/a/versions/x",
    "/dashboard/api/models/a/versions/-1",
    "/dashboard/api/models/a/versions/99999999999999999999",
  ])("%s leads nowhere", (path) => {
    expect(() => parseDashboardPath(path)).toThrow(expect.objectContaining({ code: "not-found" }));
  });
});
