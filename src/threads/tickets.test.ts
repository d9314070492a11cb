import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Answer, Ticketed } from "./messages.ts";
import { answerTicket, Tickets } from "./tickets.ts";

function asker() {
  const sent: Ticketed<string>[] = [];
  return { sent, tickets: new Tickets<string>((message) => sent.push(message)) };
}

describe("an asker", () => {
  test("gets each answer by its ticket, whatever their order", async () => {
    const { sent, tickets } = asker();
    const [a, b] = [tickets.ask("a"), tickets.ask("b")];
    expect(sent.map(({ body }) => body)).toEqual(["a", "b"]);
    tickets.settle({ kind: "answer", ticket: sent[1].ticket, value: "B" });
    tickets.settle({ kind: "answer", ticket: sent[0].ticket, value: "A" });
    expect(await Promise.all([a, b])).toEqual(["A", "B"]);
  });

  test("gets an error as a ServingError again", async () => {
    const { tickets } = asker();
    const asked = tickets.ask("a");
    tickets.settle({ kind: "answer", ticket: 0, error: { code: "not-found", message: "no such thing" } });
    const error = await asked.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServingError);
    expect(error).toMatchObject({ code: "not-found", message: "no such thing" });
  });

  test("does not mind an answer nobody waits for, nor a second one", async () => {
    const { tickets } = asker();
    tickets.settle({ kind: "answer", ticket: 99, value: "?" });
    const asked = tickets.ask("a");
    tickets.settle({ kind: "answer", ticket: 0, value: "first" });
    tickets.settle({ kind: "answer", ticket: 0, error: { code: "internal", message: "second" } });
    expect(await asked).toBe("first");
  });

  test("is told when the other thread is gone, and at once when it was gone before", async () => {
    const { sent, tickets } = asker();
    const gone = new ServingError("unavailable", "the serving thread has ended");
    const asked = [tickets.ask("a"), tickets.ask("b")];
    tickets.abandon(gone);
    for (const each of asked) await expect(each).rejects.toBe(gone);
    await expect(tickets.ask("c")).rejects.toBe(gone);
    expect(sent).toHaveLength(2);
  });

  test("is told when a message cannot be sent", async () => {
    const tickets = new Tickets<unknown>((message) => void structuredClone(message));
    await expect(tickets.ask(() => "a function")).rejects.toThrow("could not be cloned");
  });
});

describe("an answer", () => {
  const answered = async (run: () => unknown, send?: (answer: Answer) => void) => {
    const answers: Answer[] = [];
    const reports: unknown[] = [];
    await answerTicket(
      7,
      run,
      (answer) => {
        send?.(answer);
        answers.push(answer);
      },
      (reason) => reports.push(reason),
    );
    return { answers, reports };
  };

  test.each<[string, () => unknown]>([
    ["a value", () => "v"],
    ["a promised value", async () => "v"],
  ])("is %s", async (_case, run) => {
    expect(await answered(run)).toEqual({ answers: [{ kind: "answer", ticket: 7, value: "v" }], reports: [] });
  });

  test.each<[string, () => unknown]>([
    [
      "thrown",
      () => {
        throw new ServingError("not-found", "no such thing");
      },
    ],
    ["rejected", () => Promise.reject(new ServingError("not-found", "no such thing"))],
  ])("is a ServingError that was %s, without a report", async (_case, run) => {
    const error = { code: "not-found", message: "no such thing" };
    expect(await answered(run)).toEqual({ answers: [{ kind: "answer", ticket: 7, error }], reports: [] });
  });

  test("is internal without detail for a bug, which is reported", async () => {
    const bug = new TypeError("secret");
    expect(await answered(() => Promise.reject(bug))).toEqual({
      answers: [{ kind: "answer", ticket: 7, error: { code: "internal", message: "internal error" } }],
      reports: [bug],
    });
  });

  test("is internal for a value that cannot be sent", async () => {
    const { answers, reports } = await answered(
      () => () => "a function",
      (answer) => void structuredClone(answer),
    );
    expect(answers).toEqual([{ kind: "answer", ticket: 7, error: { code: "internal", message: "internal error" } }]);
    expect(reports).toHaveLength(1);
  });

  test("waits for what was promised", async () => {
    let sent = false;
    let go: (value: string) => void = () => {};
    const promised = new Promise<string>((resolve) => (go = resolve));
    const done = answered(
      () => promised,
      () => (sent = true),
    );
    await settle();
    expect(sent).toBe(false);
    go("v");
    expect((await done).answers).toHaveLength(1);
  });
});
