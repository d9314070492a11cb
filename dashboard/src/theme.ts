import { createStore } from "./store.ts";

/** What the page looks like; `system` follows the device. */
export type Theme = "system" | "light" | "dark";

const KEY = "modelport-theme";

/** The choice of who looks, kept by the browser. */
export const theme = createStore<Theme>(read());

/** Counts up when colours may have changed, for what is painted on canvases. */
export const repaint = createStore(0);

/** Makes the page follow `theme`. */
export function followTheme(): void {
  const apply = () => {
    const chosen = theme.get();
    if (chosen === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", chosen);
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // A browser that keeps nothing still shows the theme.
    }
    repaint.set(repaint.get() + 1);
  };
  theme.watch(apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

function read(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}
