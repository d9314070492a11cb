import { expect, test } from "vitest";
import type { DashboardFigures, VersionFigures } from "../../src/api/dashboard/dashboard-messages.ts";
import { joinFigures, KEPT_MS, seriesOf, summaryOf } from "./figures-window.ts";

function figures(atMs: number, versions: readonly VersionFigures[] = [], seconds = 1): DashboardFigures {
  return { atMs, seconds, rssBytes: 1, cpu: 1, openConnections: 1, versions };
}

const asked = (model: string, version: string, requests: number, more: Partial<VersionFigures> = {}): VersionFigures => ({
  model,
  version,
  requests,
  errors: 0,
  ...more,
});

test("figures are kept in order, once, and no longer than five minutes", () => {
  const known = [figures(1000), figures(2000)];
  const joined = joinFigures(known, [figures(KEPT_MS + 1500), figures(2000)]);
  expect(joined.map(({ atMs }) => atMs)).toEqual([2000, KEPT_MS + 1500]);
});

test("a line has what was asked in each second, of the scope alone", () => {
  const all = [
    figures(10_000, [asked("a", "1", 4, { p50: 2000 }), asked("a", "2", 6, { errors: 1, p50: 5000 }), asked("b", "1", 1)]),
    figures(12_000, [], 2),
  ];
  expect(seriesOf(all, {}, 0)).toMatchObject({ at: [10, 12], requests: [11, 0], errors: [1, 0], p50: [5, null] });
  expect(seriesOf(all, { model: "a" }, 0)).toMatchObject({ requests: [10, 0], p50: [5, null] });
  expect(seriesOf(all, { model: "a", version: "1" }, 0)).toMatchObject({ requests: [4, 0], p50: [2, null], p99: [null, null] });
  expect(seriesOf(all, {}, 10_000).at).toEqual([12]);
});

test("a message that stands for several seconds is spread over them", () => {
  expect(seriesOf([figures(4000, [asked("a", "1", 8)], 4)], {}, 0).requests).toEqual([2]);
});

test("a silence is a gap, a slow second is not", () => {
  expect(seriesOf([figures(1000), figures(4000), figures(20_000)], {}, 0)).toMatchObject({
    at: [1, 4, 4.001, 20],
    requests: [0, 0, null, 0],
  });
});

test("the summary is of the last seconds", () => {
  const all = [
    figures(1000, [asked("a", "1", 1000)]),
    figures(9000, [asked("a", "1", 10, { errors: 1, p50: 1000, p99: 9000 })]),
    figures(10_000, [asked("a", "1", 30, { errors: 1, p50: 2000, p99: 3000 })]),
  ];
  expect(summaryOf(all, {})).toEqual({ requests: 20, errorShare: 0.05, p50: 2, p99: 9 });
  expect(summaryOf(all, { model: "b" })).toEqual({ requests: 0, errorShare: 0 });
  expect(summaryOf([], {})).toEqual({ requests: 0, errorShare: 0 });
});
