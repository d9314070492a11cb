// Which of the marks of README.md the rows of server-load.mjs tell of, and whether they hold. Pure.
import { figure, median, pairedRatio } from "./measurements.mjs";

/** From this part of the throughput at 16 connections on, that at 64 is held to be no loss: a tolerance chosen, not measured. */
const NO_LOSS = 0.95;

/** Rows are named by protocol, model, batch, connections and streams, such as "rest simplest 1 16x1". */
export function rowName(protocol, model, batch, connections, streams) {
  return `${protocol} ${model} ${batch} ${connections}x${streams}`;
}

/**
 * @param load rounds by the name of the row and of the server: Map of rowName to Map of "modelport", "floor" to rounds.
 * @param threads the same with the servers "2 threads", "1 thread" and "1 core" (one thread kept on a core).
 * @returns rows of what is wanted, the mark, what was measured and whether it holds; only those that were measured.
 */
export function judge(load, threads) {
  const cpu = (row) => median((load.get(row)?.get("modelport") ?? []).map((round) => round.cpu));
  const overFloor = (row) => ratio(load.get(row), "modelport", "floor", "cpu");
  const doubled = (what, row) =>
    ["1 thread", "1 core"].map((other) => {
      const measured = ratio(threads.get(row), "2 threads", other, "rate");
      return atLeast(`${what}: requests/s of 2 threads against ${other}`, 1.7, measured);
    });
  const oneOp = (protocol, connections) => rowName(protocol, "simplest", 1, connections, 1);
  const batch = (protocol, connections) => rowName(protocol, "mnist_mlp", 100, connections, 1);
  const chain = (protocol, connections, streams) => rowName(protocol, "matmul_chain", 1, connections, streams);
  const more = (protocol) => {
    const [many, some] = [64, 16].map((connections) => load.get(oneOp(protocol, connections))?.get("modelport") ?? []);
    return many.length === some.length ? pairedRatio(many, some, "rate") : Number.NaN;
  };
  const all = [
    atMost("REST, one-op model, 16 connections: CPU µs a request", 30, cpu(oneOp("rest", 16))),
    atMost("REST, one-op model, 16 connections: CPU against the floor", 1, overFloor(oneOp("rest", 16))),
    atMost("gRPC, one-op model, 16 connections: CPU µs a request", 30, cpu(oneOp("grpc", 16))),
    atMost("gRPC, one-op model, 16 connections: CPU against the floor", 0.7, overFloor(oneOp("grpc", 16))),
    ...["rest", "grpc"].flatMap((protocol) =>
      [1, 8, 16].map((connections) => {
        const what = `${TITLES[protocol]}, network, 100 rows, ${connections} connections: CPU against the floor`;
        return atMost(what, 1, overFloor(batch(protocol, connections)));
      }),
    ),
    ...["rest", "grpc"].map((protocol) =>
      atLeast(`${TITLES[protocol]}, one-op model: requests/s at 64 connections against 16`, NO_LOSS, more(protocol)),
    ),
    ...doubled("REST, 1 ms model, 16 connections", chain("rest", 16, 1)),
    ...doubled("gRPC, 1 ms model, 16 connections", chain("grpc", 16, 1)),
    ...doubled("gRPC, 1 ms model, 16 calls on 1 connection", chain("grpc", 1, 16)),
  ];
  return all.filter(({ measured }) => !Number.isNaN(measured)).map(({ cells }) => cells);
}

const TITLES = { rest: "REST", grpc: "gRPC" };

function ratio(servers, one, other, key) {
  const [rounds, others] = [servers?.get(one), servers?.get(other)];
  return rounds === undefined || others === undefined ? Number.NaN : pairedRatio(rounds, others, key);
}

function atMost(what, mark, measured) {
  return { measured, cells: [what, `<= ${mark}`, figure(measured), measured <= mark ? "yes" : "no"] };
}

function atLeast(what, mark, measured) {
  return { measured, cells: [what, `>= ${mark}`, figure(measured), measured >= mark ? "yes" : "no"] };
}
