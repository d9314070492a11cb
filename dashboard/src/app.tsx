import { useEffect, useRef, useState } from "preact/hooks";
import { ApiPage } from "./api-page.tsx";
import { ClientsPage } from "./clients-page.tsx";
import { ConnectionStatus } from "./connection-status.tsx";
import { live, signInAgain } from "./live.ts";
import { MetricsPage } from "./metrics-page.tsx";
import { ModelPage } from "./model-page.tsx";
import { OverviewPage } from "./overview-page.tsx";
import { parseRoute, printRoute, type Route } from "./route.ts";
import { useStore } from "./store.ts";
import { type Theme, theme } from "./theme.ts";

const PAGES = [
  ["overview", "Overview"],
  ["clients", "Clients"],
  ["metrics", "Metrics"],
  ["api", "API"],
] as const;

/** The whole page. */
export function App() {
  const route = useRoute();
  const heading = useRef<HTMLElement>(null);
  const first = useRef(true);
  const address = route === undefined ? "" : printRoute(route);

  useEffect(() => {
    document.title = `${titleOf(route)} · modelport`;
    // Who moves to another page by keyboard or screen reader goes on reading there.
    if (!first.current) heading.current?.focus({ preventScroll: true });
    if (!first.current) window.scrollTo(0, 0);
    first.current = false;
  }, [address]);

  return (
    <>
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href="#/" aria-label="modelport, overview">
          <Mark />
          <span>modelport</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([page, name]) => (
            <a key={page} href={printRoute({ page })} aria-current={isWithin(route, page) ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <Who />
          <ConnectionStatus />
          <ThemeChoice />
        </div>
      </header>
      <main id="main" ref={heading} tabIndex={-1}>
        <SignedOut />
        <Page route={route} />
      </main>
    </>
  );
}

/** Who looks, where the server asks for that. */
function Who() {
  const session = useStore(live.session);
  if (session?.name === undefined) return null;
  const grants = Object.entries(session.grants).flatMap(([grant, given]) => (given ? [grant] : []));
  return (
    <span class="who" title={`Signed in as ${session.name}; grants: ${grants.join(", ") || "none"}`}>
      <span class="unseen">Signed in as </span>
      {session.name}
    </span>
  );
}

function SignedOut() {
  const { kind } = useStore(live.connection);
  if (kind !== "signed-out") return null;
  return (
    <div class="panel notice bad row" role="alert">
      <span>The server does not take your credentials any more. What is shown here is as it last was.</span>
      <button type="button" onClick={signInAgain}>
        Sign in again
      </button>
    </div>
  );
}

function Page({ route }: { readonly route: Route | undefined }) {
  switch (route?.page) {
    case "overview":
      return <OverviewPage />;
    case "model":
    case "versions":
      return <ModelPage key={route.model} model={route.model} tab={route.page} />;
    case "clients":
      return <ClientsPage />;
    case "metrics":
      return <MetricsPage />;
    case "api":
      return <ApiPage />;
    case undefined:
      return (
        <div class="panel empty">
          <h1>There is no such page</h1>
          <p>
            Go to the <a href="#/">overview</a>.
          </p>
        </div>
      );
  }
}

function useRoute(): Route | undefined {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return parseRoute(hash);
}

function titleOf(route: Route | undefined): string {
  if (route === undefined) return "Not found";
  if ("model" in route) return route.model;
  return PAGES.find(([page]) => page === route.page)![1];
}

function isWithin(route: Route | undefined, page: string): boolean {
  return route?.page === page || (page === "overview" && route !== undefined && "model" in route);
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M8 22V10l8 7 8-7v12" />
    </svg>
  );
}

const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const SIGNS: Readonly<Record<Theme, string>> = { system: "◐", light: "☀", dark: "☾" };

function ThemeChoice() {
  const chosen = useStore(theme);
  return (
    <button
      type="button"
      class="icon"
      onClick={() => theme.set(NEXT[chosen])}
      aria-label={`Colours: ${chosen}. Change to ${NEXT[chosen]}`}
      title={`Colours: ${chosen}`}
    >
      <span aria-hidden="true">{SIGNS[chosen]}</span>
    </button>
  );
}
