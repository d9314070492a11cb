import { createServer, request } from "node:http";

/** A reverse proxy that serves another server below a prefix. */
export interface PrefixProxy {
  /** `http://127.0.0.1:PORT/PREFIX`. */
  readonly url: string;
  readonly port: number;
  /** Ends its connections too. */
  close(): void;
}

/** Serves what is at `target` below `prefix`, which begins with a slash; everything else is 404. Without a port it takes a free one. */
export async function startPrefixProxy(target: string, prefix: string, port = 0): Promise<PrefixProxy> {
  const server = createServer((asked, answer) => {
    if (!asked.url?.startsWith(`${prefix}/`)) {
      answer.writeHead(404).end();
      return;
    }
    const { method, headers } = asked;
    const passed = request(target + asked.url.slice(prefix.length), { method, headers, agent: false }, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}${prefix}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
