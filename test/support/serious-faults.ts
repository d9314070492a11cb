import axe from "axe-core";
import type { Page } from "playwright-core";

/** Violations that keep somebody out of a page, each with the elements at fault. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  // By the debugger: the page's policy lets no script in that is not its own.
  const results = await page.evaluate(`${axe.source}; axe.run()`);
  const { violations } = results as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
