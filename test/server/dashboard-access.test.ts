import { chmodSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { formatPasswordHash, hashPassword } from "../../src/security/access/password-hash.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { seriousFaults } from "../support/serious-faults.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const WAIT_MS = 20_000;
const PASSWORD = "s3cret of all";

/** Users by name, with their grants. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  all: ["inference", "admin", "metrics"],
  runs: ["inference"],
  measures: ["metrics"],
  administers: ["admin"],
  looks: [],
};

const basic = (name: string) => `Basic ${Buffer.from(`${name}:${PASSWORD}`).toString("base64")}`;

const folder = temporaryFolder();
const file = join(folder.path, "auth.yaml");
let server: RunningServer;
let secure: RunningServer;
let hash: string;

function writeUsers(users: Readonly<Record<string, readonly string[]>>): void {
  const entries = Object.entries(users).map(([name, grants]) => ({ name, password: hash, grants }));
  writeFileSync(file, JSON.stringify({ users: entries }));
  chmodSync(file, 0o600);
}

/** Writes the file, and waits until the server has taken it up on all its threads. */
async function changeUsers(users: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const loads = () => logLines(server).filter(({ msg }) => msg === "access_loaded").length;
  const before = loads();
  writeUsers(users);
  await eventually(() => loads() > before);
}

beforeAll(async () => {
  hash = formatPasswordHash(await hashPassword(PASSWORD, { parallelism: 1 }));
  writeUsers(USERS);
  const half = join(folder.path, "models", "half");
  for (const version of ["1", "2"]) cpSync(HALF_PLUS_TWO, join(half, version, "model.onnx"), { recursive: true });
  writeFileSync(
    join(folder.path, "models.yaml"),
    JSON.stringify({ models: { half: { base_path: half, version_policy: "all" } } }),
  );
  const args = [`--model_config_file=${join(folder.path, "models.yaml")}`, `--auth_file=${file}`, "--threads=1"];
  const tls = { ca: readFileSync(fixture("tls", "authority.pem"), "utf8") };
  const files = [`--tls_certificate_file=${fixture("tls", "server.pem")}`, `--tls_key_file=${fixture("tls", "server-key.pem")}`];
  [server, secure] = await Promise.all([startServer([...args, "--enable_admin_api"]), startServer([...args, ...files], { tls })]);
});

afterAll(async () => {
  await Promise.all([server, secure].map((one) => one?.stop()));
  folder.remove();
});

test("an event stream has figures for who has the grant metrics, and states for everybody", async () => {
  const leaving = new AbortController();
  const texts: Record<string, string> = {};
  const names = Object.keys(USERS);
  for (const name of names) {
    const response = await fetch(`${server.url}/dashboard/api/events`, {
      headers: { authorization: basic(name) },
      signal: leaving.signal,
    });
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of response.body!)
        texts[name] = (texts[name] ?? "") + decoder.decode(bytes as Uint8Array, { stream: true });
    })().catch(() => undefined);
  }
  const count = (name: string, event: string) => texts[name]?.split(`event: ${event}\n`).length ?? 0;
  await eventually(() => names.every((name) => count(name, "state") > 1) && count("measures", "figures") > 3);
  expect(names.filter((name) => count(name, "figures") > 1)).toEqual(["all", "measures"]);
  leaving.abort();
});

describe.skipIf(CHROMIUM === undefined)("the dashboard, signed in", () => {
  let browser: Browser;
  let context: BrowserContext | undefined;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterEach(async () => {
    await context?.close();
    context = undefined;
    expect(complaints).toEqual([]);
  });

  afterAll(async () => await browser?.close());

  async function enter(username: string, hash: string, { base = server.url, password = PASSWORD } = {}) {
    complaints = [];
    context = await browser.newContext({ httpCredentials: { username, password }, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    const response = await page.goto(`${base}/dashboard/${hash}`);
    return { page, response };
  }

  const go = (page: Page, hash: string) => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  const status = (page: Page, text: string) => page.locator(".status", { hasText: text }).waitFor();
  const run = (page: Page) => page.getByRole("button", { name: "Run", exact: true });

  test.each(Object.entries(USERS))("as %s, with the grants %j, shows what they may see and do", async (name, grants) => {
    const { page } = await enter(name, "#/");
    await status(page, "Live");
    expect(await page.locator(".who").textContent()).toBe(`Signed in as ${name}`);
    await page.locator("table.models").getByText("available").first().waitFor();
    const hidden = page.getByText("are for who has the metrics grant");
    if (grants.includes("metrics")) {
      await page.locator(".tile", { hasText: "Memory" }).getByText(/\d/).waitFor();
      expect([await page.locator(".plot canvas").count(), await hidden.count()]).toEqual([2, 0]);
    } else {
      await hidden.waitFor();
      expect(await page.locator(".plot").count()).toBe(0);
    }

    await go(page, "#/metrics");
    if (grants.includes("metrics")) await page.locator("summary", { hasText: "modelport_ready" }).waitFor();
    else await hidden.waitFor();

    await go(page, "#/models/half/versions");
    await page.locator("table.events").getByText("available").first().waitFor();
    if (grants.includes("admin")) {
      await page.getByLabel("Label", { exact: true }).fill(`by-${name}`);
      await page.getByRole("button", { name: "Set label" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Label" }).click();
      await page.locator(".badge", { hasText: `by-${name}` }).waitFor();
    } else {
      await page.getByText(`${name} may look, but not change models: that takes the admin grant.`).waitFor();
      expect(await page.getByRole("button", { name: /load|label|take/i }).count()).toBe(0);
    }

    await go(page, "#/models/half");
    const editor = page.getByLabel("Request body");
    await page.getByRole("button", { name: "JSON", exact: true }).first().click();
    await editor.fill('{"instances": [40.5]}');
    if (grants.includes("inference")) {
      await run(page).click();
      await page.getByText("200 OK").waitFor();
    } else {
      await page.getByText(`${name} may look, but not run models: that takes the inference grant.`).waitFor();
      expect(await run(page).isDisabled()).toBe(true);
      await editor.press("Control+Enter");
    }
    await page
      .getByText("Run the model to see what it answers")
      .waitFor({ state: grants.includes("inference") ? "detached" : "attached" });
  });

  test("programs and commands send the request that was edited, and say who calls", async () => {
    const { page } = await enter("runs", "#/models/half");
    await page.getByRole("button", { name: "JSON", exact: true }).first().click();
    await page.getByLabel("Request body").fill('{"instances": [40.25]}');
    const code = page.locator(".as-code pre");
    await code.filter({ hasText: "[40.25]" }).waitFor();
    expect(await code.textContent()).toContain(`curl -X POST -u 'runs' '${server.url}/v1/models/half`);
    const language = page.getByRole("combobox", { name: "Language" });
    const languages = await language
      .locator("option")
      .evaluateAll((options) => options.map((option) => option.getAttribute("value")!));
    expect(languages.length).toBeGreaterThan(20);
    for (const chosen of languages.filter((each) => !["curl", "json"].includes(each))) {
      await language.selectOption(chosen);
      await code.filter({ hasText: "40.25" }).filter({ hasText: "MODELPORT_USER" }).waitFor();
    }
    await language.selectOption("python");
    await page.getByLabel("Request body").fill('{"instances": [77.5');
    await page.getByText("Complete the request to see the program").waitFor();
    await page.getByLabel("Request body").fill('{"instances": [77.5]}');
    await code.filter({ hasText: "77.5" }).waitFor();
    expect(await code.textContent()).not.toContain(PASSWORD);
  });

  test("a wrong password shows nothing", async () => {
    const { page, response } = await enter("all", "", { password: "another" });
    expect(response!.status()).toBe(401);
    expect(await page.locator("body").textContent()).toContain("the credentials are not valid");
    expect(await page.locator("script").count()).toBe(0);
    // The browser notes every refusal on its console.
    expect(complaints.splice(0).every((text) => text.includes("401"))).toBe(true);
  });

  test("says when the credentials are taken no more, asks nothing by itself then, and comes back", async () => {
    const { page } = await enter("all", "#/models/half");
    await status(page, "Live");
    await page.getByRole("button", { name: "JSON", exact: true }).first().click();
    await page.getByLabel("Request body").fill('{"instances": [12.75]}');
    const { all, ...others } = USERS;
    await changeUsers(others);
    let asked = 0;
    await run(page).click();
    await status(page, "Signed out");
    await page.getByRole("alert").getByText("does not take your credentials").waitFor();
    await page.locator(".answer-facts", { hasText: "401" }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    await page.setViewportSize({ width: 1280, height: 800 });
    page.on("request", () => asked++);
    await changeUsers(USERS);
    expect([all!.length, asked]).toEqual([3, 0]);
    await page.getByRole("button", { name: "Sign in again" }).click();
    await status(page, "Live");
    expect(await page.getByLabel("Request body").inputValue()).toBe('{"instances": [12.75]}');
    await run(page).click();
    await page.getByText("200 OK").waitFor();
    expect(complaints.splice(0).every((text) => text.includes("401"))).toBe(true);
  });

  test("follows grants that change", async () => {
    const { page } = await enter("all", "#/models/half");
    await status(page, "Live");
    await changeUsers({ ...USERS, all: ["admin"] });
    await run(page).click();
    await page.getByText("that takes the inference grant").waitFor();
    await page.locator(".answer-facts", { hasText: "403" }).waitFor();
    await go(page, "#/");
    await page.getByText("are for who has the metrics grant").waitFor();
    await changeUsers(USERS);
    expect(complaints.splice(0).every((text) => text.includes("403"))).toBe(true);
  });

  test("works over TLS, and gives programs that do", async () => {
    const { page } = await enter("all", "#/models/half", { base: secure.url });
    await status(page, "Live");
    await run(page).click();
    await page.getByText("200 OK").waitFor();
    await page.getByRole("combobox", { name: "Language" }).selectOption("python");
    const code = page.locator(".as-code pre");
    await code.filter({ hasText: secure.url }).filter({ hasText: "MODELPORT_CA" }).waitFor();
    await go(page, "#/");
    await page.locator(".tile", { hasText: "Memory" }).getByText(/\d/).waitFor();
  });
});
