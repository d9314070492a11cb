import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { faultAnswer } from "../../transport/http1/fault-answer.ts";

/** What of a request tells where it comes from. */
type Head = Pick<HttpRequest, "header">;

/** What a request of another site's page is told. */
export const FOREIGN_MESSAGE =
  "a page of another site may not ask this; open the server's own pages, or list the page's origin in --cors_allowed_origins";

/**
 * Whether a browser sends the request for a page of another origin. Browsers send what they know of a user, such as a password
 * typed once, with such requests too. What is no browser says nothing of it, and is nobody's page.
 */
export function isForeign(head: Head): boolean {
  const site = head.header("sec-fetch-site");
  if (site === "same-origin" || site === "none") return false;
  if (site === "cross-site") return true;
  const origin = head.header("origin");
  return origin !== undefined && hostOf(origin) !== hostOf(`http://${head.header("host") ?? ""}`);
}

/** Whether a person followed a link: a page is to be shown, and the page that linked to it does not see it. */
export function isNavigation(head: Pick<HttpRequest, "method" | "header">): boolean {
  const reading = head.method === "GET" || head.method === "HEAD";
  return reading && head.header("sec-fetch-mode") === "navigate" && head.header("sec-fetch-dest") === "document";
}

/** The same handler, which pages of other sites get nothing from. */
export function ownPagesOnly(handler: HttpHandler): HttpHandler {
  return (request) => (isForeign(request) ? foreignAnswer() : handler(request));
}

/** What a page of another site is answered. */
function foreignAnswer(): HttpResponse {
  return faultAnswer(403, FOREIGN_MESSAGE);
}

/** Host and port as URLs have them, without the port that goes without saying; `null` (a page without origin) is none. */
function hostOf(url: string): string | undefined {
  const known = /^https?:\/\/([^/?#@]+)$/i.exec(url)?.[1];
  return known?.toLowerCase().replace(/:(?:80|443)$/, "");
}
