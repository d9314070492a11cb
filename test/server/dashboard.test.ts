import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FiguresHistory } from "../../src/api/dashboard/dashboard-messages.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { fixture, publishVersion, temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { startPrefixProxy } from "../support/prefix-proxy.ts";
import { seriousFaults } from "../support/serious-faults.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

const DIGITS = fileURLToPath(new URL("../../examples/digits/model", import.meta.url));
const PICTURE = fixture("images", "smooth.jpg");
const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const BUILT = fileURLToPath(new URL("../../dist/dashboard", import.meta.url));
const ODD_NAME = "vision/é 50% <b>";
const LARGEST_GZIP = 150_000;
const WAIT_MS = 20_000;

test("the page is small", () => {
  const files = readdirSync(BUILT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((total, { parentPath, name }) => total + gzipSync(readFileSync(join(parentPath, name))).length, 0);
  process.stdout.write(`dashboard: ${bytes} bytes gzipped\n`);
  expect(bytes).toBeLessThan(LARGEST_GZIP);
});

if (CHROMIUM === undefined) process.stdout.write("no Chromium on PATH: the dashboard is not looked at\n");

describe.skipIf(CHROMIUM === undefined)("the dashboard in a browser", () => {
  let server: RunningServer;
  let browser: Browser;
  const models = temporaryFolder();
  const folder = models.path;
  let context: BrowserContext | undefined;
  let complaints: string[];

  beforeAll(async () => {
    placeModels(folder);
    [server, browser] = await Promise.all([
      startServer(
        [
          `--model_config_file=${join(folder, "models.yaml")}`,
          "--enable_admin_api",
          "--allow_version_labels_for_unavailable_models",
          "--file_system_poll_wait_seconds=1",
        ],
        { until: "listening" },
      ),
      launchBrowser(),
    ]);
  });

  afterEach(async () => {
    await context?.close();
    context = undefined;
    // Also what a policy against foreign code refused is an error on the console.
    expect(complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    models.remove();
  });

  async function open(hash: string, { width = 1280, dark = false, base = server.url } = {}): Promise<Page> {
    complaints = [];
    context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: dark ? "dark" : "light" });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${base}/dashboard/${hash}`);
    await page.locator(".status", { hasText: "Live" }).waitFor();
    return page;
  }

  test("shows models, states, reasons and figures, and changes as they come", async () => {
    const load = new AbortController();
    const asking = keepAsking(server.url, load.signal);
    const page = await open("#/");
    const row = (text: string) => page.locator("table.models tr", { hasText: text });
    await row("broken").getByText("failed").waitFor();
    expect(await row("broken").textContent()).toContain("model.onnx is not a sound ONNX model");
    expect(await row("digits").first().textContent()).toContain("canary");
    expect(await row(ODD_NAME).count()).toBe(1);
    await page
      .locator("table.models")
      .getByText(/\d \/s/)
      .first()
      .waitFor();
    await page
      .locator(".tile", { hasText: "Requests" })
      .getByText(/[1-9].* \/s/)
      .waitFor();
    expect(await page.locator(".plot canvas").count()).toBe(2);
    await paintNote(page);
    await eventually(async () => (await page.locator(".plot-box").first().getAttribute("aria-label"))?.match(/all [1-9]/));
    await shootUnderLoad(page, server.url);

    publishVersion(join(folder, "half"), 7, HALF_PLUS_TWO);
    await page
      .locator("table.models tr", { hasText: /^(half)?7/ })
      .getByText("available")
      .waitFor();
    load.abort();
    await asking;
  }, 120_000);

  test("sends a dropped picture and shows the scores", async () => {
    const page = await open(`#/models/${encodeURIComponent(ODD_NAME)}`, { dark: true });
    await page.locator("h1", { hasText: ODD_NAME }).waitFor();
    await drop(page, ".drop", PICTURE);
    await page.getByAltText("Preview of smooth.jpg").waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("200 OK").waitFor();
    expect(await page.locator(".scores tbody tr").count()).toBe(10);
    expect(await page.locator(".as-code pre").textContent()).toContain("-F 'image=@smooth.jpg'");
    await shoot(page, "dashboard-image-model");
    const language = page.getByRole("combobox", { name: "Language" });
    await language.selectOption("ruby");
    const picture = readFileSync(PICTURE).toString("base64");
    await page.locator(".as-code pre", { hasText: picture.slice(0, 60) }).waitFor();
    await page.getByText("It sends this request").waitFor();
    await page.locator("details.rules summary").click();
    await page.getByLabel("Scale").fill("none");
    await page.getByText("the rules for how it becomes numbers go into the query").waitFor();
    complaints.length = 0;
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.locator(".answer-facts", { hasText: "400" }).waitFor();
    expect(await page.locator(".notice.bad").textContent()).toContain('image rule scale is "none"');
    // The browser notes every refusal of a request on its console.
    expect(complaints.splice(0)).toEqual([expect.stringContaining("400")]);
  });

  test("runs a request as JSON by keyboard, and shows it in other languages", async () => {
    const page = await open("#/models/digits");
    await page.getByRole("button", { name: "JSON", exact: true }).first().click();
    const editor = page.getByLabel("Request body");
    await editor.fill('{"instances": [');
    await page.getByText(/^line 1, column 16/).waitFor();
    await editor.fill(readFileSync(join(DIGITS, "../requests/ten-images.json"), "utf8"));
    await editor.press("Control+Enter");
    await page.getByRole("heading", { name: "Row 10" }).waitFor();
    await page.getByRole("combobox", { name: "Language" }).selectOption("python");
    await page.locator(".as-code pre", { hasText: "import" }).waitFor();
    await editor.fill('{"instances": [[0.0625]]}');
    await page.locator(".as-code pre", { hasText: '"instances": [[0.0625]]' }).waitFor();
    await editor.fill(`{"instances": [${"[0.0625],".repeat(9000)}[1]]}`);
    await page.getByText("This request is too long for a program").waitFor();
  });

  test("says why a model cannot be called", async () => {
    const page = await open("#/models/broken");
    await page.getByText("No version is available").waitFor();
    await page.getByText("model.onnx is not a sound ONNX model").waitFor();
  });

  test("moves labels, unloads and loads versions, once that is confirmed", async () => {
    const page = await open("#/models/digits/versions");
    const row = (version: string) => page.locator("table tr", { has: page.locator(`th:text-is("${version}")`) });
    await page.getByLabel("Label", { exact: true }).fill("next");
    await page.getByLabel("of version").selectOption("1");
    await page.getByRole("button", { name: "Set label" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Label" }).click();
    await row("1").getByText("next").waitFor();

    await row("1").getByRole("button", { name: "Unload" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await row("1").getByRole("button", { name: "Unload" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Unload" }).click();
    await row("1").getByText("unloaded").waitFor();
    expect(await row("1").getByText("next").count()).toBe(0);
    await page.getByText("served: only 2").waitFor();

    await row("2").getByRole("button", { name: "Unload" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Unload" }).click();
    await row("2").getByText("unloaded").waitFor();

    for (const version of ["1", "2"]) {
      await row(version).getByRole("button", { name: "Load" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Load" }).click();
      await row(version).first().getByText("available").waitFor();
    }
    await page.locator("table.events").getByText("unloading").first().waitFor();
  });

  test("shows clients, metrics and the API", async () => {
    const page = await open("#/clients");
    await page.getByRole("combobox", { name: "Model" }).selectOption("half");
    await page.getByRole("combobox", { name: "Language" }).selectOption("go");
    await page.locator("pre", { hasText: "package main" }).waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: /^Download/ }).click();
    expect((await saved).suggestedFilename()).toMatch(/\.go$/);

    await page.getByRole("link", { name: "Metrics" }).click();
    await page.getByLabel("Search metrics").fill("request latency");
    await page.locator("table tr", { hasText: "digits" }).first().waitFor();

    await page.getByRole("link", { name: "API" }).click();
    await page.locator("summary", { hasText: "/v1/models/digits:predict" }).click();
    await page.getByRole("link", { name: "Try digits" }).click();
    await page.getByRole("heading", { name: "Try it" }).waitFor();
    expect(await page.title()).toBe("digits · modelport");
  });

  test("works behind a prefix", async () => {
    const proxy = await startPrefixProxy(server.url, "/team/models");
    try {
      const page = await open(`#/models/half`, { base: proxy.url });
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.getByText("200 OK").waitFor();
      expect(await page.locator(".as-code pre").textContent()).toContain(`${proxy.url}/v1/models/half`);
      await page.getByRole("link", { name: "Metrics" }).click();
      await page.locator("summary", { hasText: "modelport_ready" }).waitFor();
      expect(
        new Set(await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin))),
      ).toEqual(new Set([new URL(proxy.url).origin]));
      await context!.close();
    } finally {
      proxy.close();
    }
  });

  test("keeps the chosen colours", async () => {
    const page = await open("#/");
    const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: /^Colours: system/ }).click();
    await page.getByRole("button", { name: /^Colours: light/ }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await ground()).toBe(dark);
  });

  const PAGES = [
    ["overview", "#/", "table.models"],
    ["model", "#/models/digits", "#try"],
    ["image model", `#/models/${encodeURIComponent(ODD_NAME)}`, ".drop"],
    ["failing model", "#/models/broken", ".notice.bad"],
    ["versions", "#/models/digits/versions", ".controls"],
    ["clients", "#/clients", "pre"],
    ["metrics", "#/metrics", ".family"],
    ["API", "#/api", ".operation"],
    ["no page", "#/nowhere", ".empty"],
  ] as const;

  for (const dark of [false, true]) {
    test.each(PAGES)(`the page %s is usable by everybody, ${dark ? "dark" : "light"}`, async (_, hash, landmark) => {
      const page = await open(hash, { dark });
      await page.locator(landmark).first().waitFor();
      await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
      expect(await seriousFaults(page)).toEqual([]);
    });
  }

  test.each(PAGES)("the page %s fits a phone", async (_, hash, landmark) => {
    const page = await open(hash, { width: 360 });
    await page.locator(landmark).first().waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });

  test("comes back after the server was away", async () => {
    const proxy = await startPrefixProxy(server.url, "/p");
    const page = await open("#/", { base: proxy.url });
    proxy.close();
    await page.locator(".status", { hasText: "Reconnecting" }).waitFor();
    await page.locator("table.models").waitFor();
    const again = await startPrefixProxy(server.url, "/p", proxy.port);
    await page.locator(".status", { hasText: "Live" }).waitFor();
    await context!.close();
    again.close();
    // What the browser says of a server that is gone.
    complaints.length = 0;
  });
});

/** Drops a file from elsewhere onto an element. */
async function drop(page: Page, selector: string, file: string): Promise<void> {
  const data = readFileSync(file).toString("base64");
  const transfer = await page.evaluateHandle(`{
    const bytes = Uint8Array.from(atob("${data}"), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "smooth.jpg", { type: "image/jpeg" }));
    transfer;
  }`);
  await page.dispatchEvent(selector, "drop", { dataTransfer: transfer });
}

async function paintNote(page: Page): Promise<void> {
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  process.stdout.write(`dashboard: first contentful paint after ${paint?.toFixed(0)} ms\n`);
}

/** Pictures with half a minute's figures, wide and light, narrow and dark. */
async function shootUnderLoad(page: Page, url: string): Promise<void> {
  if (!process.env.MODELPORT_WRITE_SCREENSHOTS) return;
  await eventually(async () => {
    const { figures } = (await (await fetch(`${url}/dashboard/api/figures`)).json()) as FiguresHistory;
    return figures.filter(({ versions }) => versions.length > 0).length > 40;
  });
  await shoot(page, "dashboard-overview");
  await page.setViewportSize({ width: 360, height: 800 });
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, "dashboard-phone");
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function shoot(page: Page, name: string): Promise<void> {
  if (!process.env.MODELPORT_WRITE_SCREENSHOTS) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), fullPage: true });
}

/** Asks two models now and then, and one of them for what it cannot do. */
async function keepAsking(url: string, signal: AbortSignal): Promise<void> {
  const digits = readFileSync(join(DIGITS, "../requests/one-image.json"), "utf8");
  const calls = [
    ["digits", digits],
    ["half", '{"instances": [1, 2, 3]}'],
    ["digits", '{"instances": [[1]]}'],
  ] as const;
  for (let turn = 0; !signal.aborted; turn++) {
    const [model, body] = calls[turn % 9 === 8 ? 2 : turn % 2]!;
    await fetch(`${url}/v1/models/${model}:predict`, { method: "POST", body }).then(
      (answer) => answer.arrayBuffer(),
      () => undefined,
    );
    // More and less in turn, so that there is something to see.
    const pause = 4 + 3 * Math.sin(turn / 300);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** A model of each kind, with a config file. */
function placeModels(root: string): void {
  const put = (path: string, file: string) => cpSync(file, join(root, path, "model.onnx"), { recursive: true });
  for (const version of [1, 2]) put(`digits/${version}`, join(DIGITS, "1/model.onnx"));
  cpSync(join(DIGITS, "sample_request.json"), join(root, "digits/sample_request.json"));
  put("half/1", HALF_PLUS_TWO);
  put("pictures/1", fixture("onnx", "torch_convnet", "model.onnx"));
  mkdirSync(join(root, "broken/1"), { recursive: true });
  writeFileSync(join(root, "broken/1/model.onnx"), readFileSync(join(DIGITS, "1/model.onnx")).subarray(0, 900));
  const config = {
    models: {
      digits: { base_path: "digits", version_policy: "all", labels: { stable: 1, canary: 2 } },
      half: { base_path: "half" },
      [ODD_NAME]: { base_path: "pictures" },
      broken: { base_path: "broken" },
    },
  };
  writeFileSync(join(root, "models.yaml"), JSON.stringify(config));
}
