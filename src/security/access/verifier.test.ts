import { beforeAll, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { keyDigest } from "./key-digest.ts";
import { hashPassword } from "./password-hash.ts";
import type { Principals } from "./principals.ts";
import { Verifier } from "./verifier.ts";

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
const HERE = "192.0.2.1";
const ADA = { kind: "known", principal: { name: "ada", grants: new Set(["inference", "admin"]) } };
const CI = { kind: "known", principal: { name: "ci", grants: new Set(["metrics"]) } };

let principals: Principals;
beforeAll(async () => {
  principals = {
    users: [{ name: "ada", grants: ["inference", "admin"], password: await hashPassword("s3cret", { parallelism: 1 }) }],
    keys: [{ name: "ci", grants: ["metrics"], digest: keyDigest("mp_key") }],
  };
});

function verifier(): Verifier {
  const made = new Verifier(new FakeClock());
  made.setPrincipals(principals);
  return made;
}

describe("credentials", () => {
  test.each([
    ["a user's password", basic("ada", "s3cret"), ADA],
    ["a wrong password", basic("ada", "s3cre"), { kind: "wrong", name: "ada" }],
    ["an unknown name", basic("eve", "s3cret"), { kind: "wrong", name: undefined }],
    ["a key", "Bearer mp_key", CI],
    ["a key by its name", basic("ci", "mp_key"), CI],
    ["a key by another's name", basic("ada", "mp_key"), { kind: "wrong", name: "ada" }],
    ["another key by a name", basic("ci", "mp_kez"), { kind: "wrong", name: "ci" }],
    ["a password as a key", "Bearer s3cret", { kind: "wrong", name: undefined }],
    ["neither", "Digest x", { kind: "malformed" }],
  ])("%s", async (_case, field, expected) => {
    expect(await verifier().verify(field, HERE)).toEqual(expected);
  });

  test("of a user are remembered: the second time the answer is there at once", async () => {
    const made = verifier();
    expect(made.verify(basic("ada", "s3cret"), HERE)).toBeInstanceOf(Promise);
    await made.verify(basic("ada", "s3cret"), HERE);
    expect(made.verify(basic("ada", "s3cret"), HERE)).toEqual(ADA);
  });

  test("are forgotten when the principals change", async () => {
    const made = verifier();
    await made.verify(basic("ada", "s3cret"), HERE);
    made.setPrincipals({ users: [], keys: [] });
    expect(await made.verify(basic("ada", "s3cret"), HERE)).toEqual({ kind: "wrong", name: undefined });
    expect(made.verify("Bearer mp_key", HERE)).toEqual({ kind: "wrong", name: undefined });
  });

  test("that are looked at while the principals change are looked at again", async () => {
    const made = new Verifier(new FakeClock());
    const asked = made.verify(basic("ada", "s3cret"), HERE);
    made.setPrincipals(principals);
    expect(await asked).toEqual(ADA);
  });

  test("are looked at once for a caller with many connections", () => {
    const made = verifier();
    expect(made.verify(basic("ada", "s3cret"), HERE)).toBe(made.verify(basic("ada", "s3cret"), "192.0.2.2"));
  });
});

describe("failures", () => {
  test("are limited by address, and hold up nobody who is known", async () => {
    const made = verifier();
    await made.verify(basic("ada", "s3cret"), HERE);
    await Promise.all(Array.from({ length: 10 }, async (_, each) => await made.verify(basic("eve", String(each)), HERE)));
    expect(made.verify(basic("eve", "x"), HERE)).toEqual({ kind: "limited", retryAfterSeconds: 6 });
    expect(await made.verify(basic("eve", "x"), "192.0.2.2")).toMatchObject({ kind: "wrong" });
    expect([made.verify(basic("ada", "s3cret"), HERE), made.verify("Bearer mp_key", HERE)]).toEqual([ADA, CI]);
  });

  test("with keys are counted apart from those with passwords", async () => {
    const made = verifier();
    for (let attempt = 0; attempt < 10; attempt++) {
      expect(made.verify(`Bearer ${attempt}`, HERE)).toMatchObject({ kind: "wrong" });
    }
    expect(made.verify("Bearer x", HERE)).toEqual({ kind: "limited", retryAfterSeconds: 6 });
    expect(await made.verify(basic("ada", "s3cret"), HERE)).toEqual(ADA);
  });

  test("only so many passwords wait to be looked at", async () => {
    const made = verifier();
    const asked = Array.from({ length: 20 }, async (_, each) => await made.verify(basic("eve", String(each)), `10.0.0.${each}`));
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter(({ kind }) => kind === "limited")).toHaveLength(20 - 16 - 2);
    expect(outcomes.at(-1)).toEqual({ kind: "limited", retryAfterSeconds: 1 });
  });
});
