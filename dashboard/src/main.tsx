import { render } from "preact";
import { App } from "./app.tsx";
import { listen } from "./live.ts";
import { followTheme } from "./theme.ts";

followTheme();
listen();
render(<App />, document.getElementById("app")!);
