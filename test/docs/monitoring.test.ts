import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { METRICS } from "../../src/metrics/definitions.ts";
import { spelling } from "../../src/metrics/spelling.ts";
import { type Family, parseExposition } from "../support/exposition.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { promqlNames, type Selection } from "../support/promql.ts";
import { PROMTOOL, promtool } from "../support/promtool.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { document, ROOT } from "./documents.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly panels: readonly Panel[];
}

const RULES = (
  parse(document("deploy/prometheus/rules.yml")) as { groups: readonly { rules: readonly Rule[] }[] }
).groups.flatMap(({ rules }) => rules);
const DASHBOARD = JSON.parse(document("deploy/grafana/modelport.json")) as Dashboard;
const QUERIES = DASHBOARD.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr })));
const VARIABLES = DASHBOARD.templating.list.flatMap(({ name, definition }) => {
  const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? "") ?? [];
  return selector === undefined ? [] : [{ where: `variable ${name}`, expr: `count by (${label}) (${selector})` }];
});

/** What Prometheus adds to every series, and knows by itself. */
const TARGET_LABELS: readonly string[] = ["job", "instance"];
const OWN_METRICS: readonly string[] = ["up"];

/** An expression of the dashboard as Prometheus gets it. */
function plain(expression: string): string {
  return expression.replaceAll("$__rate_interval", "5m").replace(/\$\w+/g, ".*");
}

const folder = temporaryFolder();
let server: RunningServer;
let families: ReadonlyMap<string, Family>;

beforeAll(async () => {
  const broken = join(folder.path, "broken", "1");
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, "model.onnx"), "no model");
  const config = join(folder.path, "models.config");
  const half = fixture("identity", "saved_model_half_plus_two_2_versions");
  const model = (name: string, path: string) => `config { name: "${name}" base_path: "${path}" model_platform: "onnx" }`;
  writeFileSync(config, `model_config_list { ${model("half", half)} ${model("broken", join(folder.path, "broken"))} }`);
  server = await startServer([`--model_config_file=${config}`, "--threads=1", "--max_num_load_retries=0"], {
    until: "listening",
  });
  const predict = (body: string) => rest(`${server.url}/v1/models/half:predict`, body);
  while ((await predict('{"instances": [1.0, 2.0]}')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  await predict('{"instances": ["text"]}');
  await predict('{"signature_name": "none", "instances": [1.0]}');
  await rest(`${server.url}/v1/models/nobody`);
  for (;;) {
    families = parseExposition((await rest(`${server.url}/metrics`)).text);
    if (families.get("modelport_model_load_duration_seconds")!.series.some(({ labels }) => labels.get("model_name") === "broken"))
      return;
  }
});

afterAll(async () => {
  await server?.stop();
  folder.remove();
});

/** The names of a metric's labels, as the page shows them or, while it has no cell there, as it would. */
function labelsOf(name: string): readonly string[] | undefined {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  const [family, known] = families.has(name) ? [families.get(name)!, name] : [families.get(base), base];
  if (family === undefined || (family.type !== "histogram" && name !== known)) return undefined;
  const definition = METRICS.find((each) => spelling(each, "prometheus").name === known)!;
  const shown = family.series.flatMap(({ labels }) => [...labels.keys()]);
  const labels = family.series.length > 0 ? shown : spelling(definition, "prometheus").labels;
  return name.endsWith("_bucket") ? [...labels, "le"] : labels;
}

/** The labels that a selection may name: those of a recorded metric are what its expression leaves. */
function known(metric: string): readonly string[] | undefined {
  if (OWN_METRICS.includes(metric)) return [];
  const recorded = RULES.find(({ record }) => record === metric);
  return recorded === undefined ? labelsOf(metric) : promqlNames(recorded.expr).grouping;
}

/** What an expression names and the page does not have. */
function missing(expression: string): readonly string[] {
  const { selections, grouping } = promqlNames(plain(expression));
  if (selections.length === 0) return ["any metric"];
  const unknown = ({ metric, labels }: Selection) => {
    const there = known(metric);
    if (there === undefined) return [metric];
    return labels
      .filter((label) => !there.includes(label) && !TARGET_LABELS.includes(label))
      .map((label) => `${metric}{${label}}`);
  };
  const there = new Set([...TARGET_LABELS, ...selections.flatMap(({ metric }) => known(metric) ?? [])]);
  return [...selections.flatMap(unknown), ...grouping.filter((label) => !there.has(label))];
}

describe("the page of the running server", () => {
  test("is in Prometheus's form, and has every metric of the documentation", async () => {
    const page = await rest(`${server.url}/metrics`);
    expect(page.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect([...parseExposition(page.text).keys()]).toEqual(METRICS.map((each) => spelling(each, "prometheus").name).sort());
  });

  test("tells of what was asked of it", () => {
    const find = (name: string, labels: Readonly<Record<string, string>>) =>
      families
        .get(name)!
        .series.find((each) => Object.entries(labels).every(([label, value]) => each.labels.get(label) === value))?.value;
    expect(find("tensorflow_serving_requests_total", { model_name: "half", status: "OK" })).toBeGreaterThan(0);
    expect(find("tensorflow_serving_requests_total", { model_name: "half", status: "INVALID_ARGUMENT" })).toBe(2);
    const signature = { model_name: "half", signature_name: "serving_default", method: "predict" };
    expect(find("modelport_signature_requests_total", { ...signature, status: "INVALID_ARGUMENT" })).toBe(1);
    expect(find("modelport_signature_requests_total", { signature_name: "none" })).toBeUndefined();
    expect(find("modelport_model_versions", { model_name: "half", state: "AVAILABLE" })).toBeGreaterThan(0);
    expect(find("modelport_model_versions", { model_name: "broken", state: "AVAILABLE" })).toBe(0);
    expect(find("modelport_ready", {})).toBe(0);
    expect(find("modelport_model_memory_bytes", { model_name: "half" })).toBeGreaterThan(0);
    expect(find("modelport_serving_threads", {})).toBe(1);
    for (const thread of ["0", "control"]) expect(find("modelport_heap_used_bytes", { thread })).toBeGreaterThan(0);
  });

  test.skipIf(!PROMTOOL)("has nothing that promtool would change (skipped where it is not installed)", async () => {
    const { text } = await rest(`${server.url}/metrics`);
    expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, output: "" });
  });

  test("and TensorFlow Serving's page have the same metrics", async () => {
    const other = parseExposition((await rest(`${server.url}/monitoring/prometheus/metrics`)).text);
    expect([...other.keys()]).toEqual(METRICS.map((each) => spelling(each, "tensorflow-serving").name).sort());
  });
});

describe("dashboard and rules", () => {
  test.each([
    ["dashboard", [...QUERIES, ...VARIABLES]],
    ["rules", RULES.map(({ record, alert, expr }) => ({ where: record ?? alert!, expr }))],
  ])("the %s ask for metrics and labels that the page has, and no others", (_what, expressions) => {
    const unknown = expressions.flatMap(({ where, expr }) => missing(expr).map((name) => `${where}: ${name}`));
    expect(unknown).toEqual([]);
  });

  test.each([
    [
      "sum by (a, b) (rate(x_total{c=~\"d{}\", e!='f'}[5m])) / on (g) group_left (h) y > 0.5",
      ["x_total", "y"],
      ["c", "e"],
      ["a", "b", "g", "h"],
    ],
    ["histogram_quantile(0.99, sum(rate(x_bucket[$i])) by (le)) and z offset 5m", ["x_bucket", "z"], [], ["le"]],
    ['time() - job:x:rate5m{a="1"} unless y', ["job:x:rate5m", "y"], ["a"], []],
  ])("of %s the names are found", (expression, metrics, labels, grouping) => {
    const found = promqlNames(expression);
    expect(found.selections.map(({ metric }) => metric)).toEqual(metrics);
    expect(found.selections.flatMap((each) => each.labels)).toEqual(labels);
    expect(found.grouping).toEqual(grouping);
  });

  test("the dashboard is one that Grafana 10 and later take: unique panels side by side, and its variables", () => {
    expect(DASHBOARD.uid).toBe("modelport");
    expect(DASHBOARD.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(DASHBOARD.templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance", "model"]);
    expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).toBe(DASHBOARD.panels.length);
    const taken = new Set<string>();
    const faults: string[] = [];
    for (const { title, type, targets = [], gridPos } of DASHBOARD.panels) {
      if (new Set(targets.map(({ refId }) => refId)).size < targets.length) faults.push(`${title}: refId twice`);
      if (type !== "row" && targets.length === 0) faults.push(`${title}: no query`);
      if (gridPos.x + gridPos.w > 24) faults.push(`${title}: too wide`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          if (taken.has(`${x},${y}`)) faults.push(`${title}: over another at ${x}, ${y}`);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(faults).toEqual([]);
  });

  test("every alert has a test", () => {
    const tested = new Set(
      [...document("deploy/prometheus/rules.test.yml").matchAll(/alertname: (\w+)/g)].map(([, name]) => name),
    );
    expect(RULES.flatMap(({ alert }) => alert ?? []).filter((alert) => !tested.has(alert))).toEqual([]);
  });
});

describe.skipIf(!PROMTOOL)("promtool (skipped where it is not installed)", () => {
  const rules = join(ROOT, "deploy/prometheus");

  test("takes the sample configuration and the rules, and the rules' tests pass", () => {
    expect(promtool(["check", "config", join(rules, "prometheus.yml")])).toMatchObject({ status: 0 });
    const run = promtool(["test", "rules", join(rules, "rules.test.yml")]);
    expect([run.status, run.output]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });

  test("takes every query of the dashboard", () => {
    const recordings = QUERIES.map(({ expr }, index) => ({ record: `q:${index}`, expr: plain(expr) }));
    const file = join(folder.path, "queries.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules: recordings }] }));
    const run = promtool(["check", "rules", file]);
    expect([run.status, run.output]).toEqual([0, expect.stringContaining(`${QUERIES.length} rules found`)]);
  });
});
