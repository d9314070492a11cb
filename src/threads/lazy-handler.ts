import type { HttpHandler } from "../transport/http-exchange.ts";

/** A handler whose code is loaded at its first request; most servers never answer one. */
export function lazyHandler(load: () => Promise<HttpHandler>): HttpHandler {
  let loaded: HttpHandler | undefined;
  let loading: Promise<HttpHandler> | undefined;
  return (request) => {
    if (loaded !== undefined) return loaded(request);
    loading ??= load();
    return loading.then((handler) => {
      loaded = handler;
      return handler(request);
    });
  };
}
