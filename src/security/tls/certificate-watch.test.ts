import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { TlsFiles, TlsOptions } from "../../config/tls-options.ts";
import { CertificateWatch } from "./certificate-watch.ts";

const fixture = (name: string) => new URL(`../../../test/fixtures/tls/${name}`, import.meta.url).pathname;
const text = (name: string) => readFileSync(fixture(name), "utf8");

let folder: string;
let clock: FakeClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tls-"));
  clock = new FakeClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function files(more: Partial<TlsFiles> = {}): TlsFiles {
  return {
    kind: "files",
    certificateFile: fixture("server.pem"),
    keyFile: fixture("server-key.pem"),
    keyPassphraseFile: undefined,
    clientCaFile: undefined,
    clientCertificate: "require",
    minVersion: "TLSv1.2",
    ...more,
  };
}

/** A file of the test's own that holds this text. */
function written(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const sslConfig = (content: string): TlsOptions => ({
  kind: "ssl-config",
  file: written("ssl.config", content),
  minVersion: "TLSv1.3",
});

async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "accepted";
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    expect(reason.code).toBe("failed-precondition");
    expect(reason.message).not.toContain(folder);
    return reason.message;
  }
}

describe("files at the start", () => {
  test("become what a TLS server is made of", async () => {
    const watch = await CertificateWatch.open(files({ clientCaFile: fixture("authority.pem") }), clock);
    expect(watch.material).toEqual({
      certificate: text("server.pem"),
      key: text("server-key.pem"),
      clientAuthorities: text("authority.pem"),
      clientCertificate: "require",
      minVersion: "TLSv1.2",
      ticketKeys: expect.any(Uint8Array),
    });
    expect(watch.material.ticketKeys).toHaveLength(48);
    expect(new Date(watch.validity.validTo).toISOString()).toBe("2120-01-01T00:00:00.000Z");
  });

  test("may be one file with both", async () => {
    const both = written("both.pem", text("server-key.pem") + text("server.pem") + text("authority.pem"));
    const { material } = await CertificateWatch.open(files({ certificateFile: both, keyFile: both }), clock);
    expect([material.key, material.clientCertificate]).toEqual([text("server-key.pem"), "none"]);
  });

  test("may hold a key that a passphrase decrypts", async () => {
    const { material } = await CertificateWatch.open(
      files({ keyFile: fixture("server-key-encrypted.pem"), keyPassphraseFile: fixture("passphrase.txt") }),
      clock,
    );
    expect(material.key).toBe(text("server-key.pem"));
  });

  test("of a certificate that has expired are taken, and say so", async () => {
    const { validity } = await CertificateWatch.open(files({ certificateFile: fixture("expired.pem") }), clock);
    expect(new Date(validity.validTo).toISOString()).toBe("2021-01-01T00:00:00.000Z");
  });

  const missing = "/nowhere/tls.pem";
  test.each([
    ["a certificate that is not there", { certificateFile: missing }, "--tls_certificate_file tls.pem is not there"],
    ["a key that is a folder", { keyFile: fixture(".") }, "--tls_key_file tls is not a file"],
    ["authorities that are not there", { clientCaFile: missing }, "--tls_client_ca_file tls.pem is not there"],
    ["a passphrase that is not there", { keyPassphraseFile: missing }, "--tls_key_passphrase_file tls.pem is not there"],
    [
      "a key in place of the certificate",
      { certificateFile: fixture("server-key.pem") },
      "--tls_certificate_file server-key.pem holds no certificate in PEM (BEGIN CERTIFICATE); what it holds is a private key",
    ],
    [
      "a certificate in place of the key",
      { keyFile: fixture("server.pem") },
      "--tls_key_file server.pem holds no private key in PEM (BEGIN PRIVATE KEY); what it holds is a certificate",
    ],
    [
      "the key of another certificate",
      { keyFile: fixture("client-key.pem") },
      "--tls_key_file client-key.pem is not the key of --tls_certificate_file server.pem: give the key that the certificate was made for",
    ],
    [
      "an encrypted key alone",
      { keyFile: fixture("server-key-encrypted.pem") },
      "--tls_key_file server-key-encrypted.pem is encrypted: give the passphrase with --tls_key_passphrase_file, or a key that is not encrypted",
    ],
    [
      "an encrypted key with a wrong passphrase",
      { keyFile: fixture("server-key-encrypted.pem"), keyPassphraseFile: fixture("make.sh") },
      "--tls_key_file server-key-encrypted.pem cannot be decrypted with the passphrase of --tls_key_passphrase_file make.sh",
    ],
    [
      "authorities that are none",
      { clientCaFile: fixture("passphrase.txt") },
      "--tls_client_ca_file passphrase.txt holds no certificate in PEM (BEGIN CERTIFICATE)",
    ],
  ])("are refused: %s", async (_what, more, message) => {
    expect(await faultOf(CertificateWatch.open(files(more), clock))).toBe(message);
  });

  test("are refused when damaged or too large", async () => {
    const damaged = written("damaged.pem", text("server.pem").replace("M", "*"));
    expect(await faultOf(CertificateWatch.open(files({ certificateFile: damaged }), clock))).toMatch(
      /^--tls_certificate_file damaged.pem: certificate 1 is damaged \(.+\)$/,
    );
    const cut = written("cut.pem", text("server-key.pem").replace(/\n.{30}/, "\n"));
    expect(await faultOf(CertificateWatch.open(files({ keyFile: cut }), clock))).toMatch(
      /^--tls_key_file cut.pem is damaged \(.+\)$/,
    );
    const large = written("large.pem", "");
    truncateSync(large, 5_000_000);
    expect(await faultOf(CertificateWatch.open(files({ certificateFile: large }), clock))).toBe(
      "--tls_certificate_file large.pem has 5000000 bytes, expected 4194304 at most",
    );
  });
});

describe("TensorFlow Serving's file", () => {
  test("holds keys and certificates themselves", async () => {
    const { material } = await CertificateWatch.open(sslConfig(text("ssl.config")), clock);
    expect(material).toMatchObject({
      certificate: text("server.pem"),
      key: text("server-key.pem"),
      clientAuthorities: text("authority.pem"),
      clientCertificate: "require",
      minVersion: "TLSv1.3",
    });
  });

  test("asks clients for nothing without client_verify, whatever its custom_ca", async () => {
    const content = text("ssl.config").replace("client_verify: true", "");
    const { material } = await CertificateWatch.open(sslConfig(content), clock);
    expect(material).toMatchObject({ clientCertificate: "none", clientAuthorities: undefined });
  });

  test.each([
    ["no text format", "server_key: ", /^--ssl_config_file ssl.config: 1:\d+: /],
    ["paths", 'server_key: "/etc/k" server_cert: "/etc/c"', /^server_cert of --ssl_config_file ssl.config holds no certificate/],
    ["nothing", "", /^server_cert of --ssl_config_file ssl.config holds no certificate/],
    ["client_verify alone", "client_verify: true", /^--ssl_config_file ssl.config: client_verify needs custom_ca/],
  ])("is refused when it holds %s", async (_what, content, message) => {
    expect(await faultOf(CertificateWatch.open(sslConfig(content), clock))).toMatch(message);
  });
});

describe("a look at the files again", () => {
  let options: TlsFiles;
  const put = (name: string) => {
    copyFileSync(fixture(`${name}.pem`), options.certificateFile);
    copyFileSync(fixture(`${name}-key.pem`), options.keyFile);
  };

  beforeEach(() => {
    options = files({ certificateFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") });
    put("server");
  });

  test("finds nothing new in files that are as they were", async () => {
    const watch = await CertificateWatch.open(options, clock);
    put("server");
    expect([await watch.look(), await watch.look()]).toEqual([undefined, undefined]);
  });

  test("takes up what has been the same at two looks, with other ticket keys", async () => {
    const watch = await CertificateWatch.open(options, clock);
    const before = watch.material;
    put("next-server");
    expect(await watch.look()).toBeUndefined();
    expect(watch.material).toBe(before);
    expect(await watch.look()).toBe("certificate");
    expect(watch.material.certificate).toBe(text("next-server.pem"));
    expect(watch.material.ticketKeys).not.toEqual(before.ticketKeys);
    expect(await watch.look()).toBeUndefined();
  });

  test("does not complain of a certificate whose key comes a moment later", async () => {
    const watch = await CertificateWatch.open(options, clock);
    copyFileSync(fixture("next-server.pem"), options.certificateFile);
    expect(await watch.look()).toBeUndefined();
    put("next-server");
    expect(await watch.look()).toBeUndefined();
    expect(await watch.look()).toBe("certificate");
  });

  test("keeps what is in force as long as the files are bad, and takes them up when they are mended", async () => {
    const watch = await CertificateWatch.open(options, clock);
    copyFileSync(fixture("next-server.pem"), options.certificateFile);
    await watch.look();
    for (let look = 0; look < 2; look++) {
      expect(await faultOf(watch.look())).toMatch(/^--tls_key_file tls.key is not the key of --tls_certificate_file tls.crt/);
    }
    rmSync(options.keyFile);
    await watch.look();
    expect(await faultOf(watch.look())).toBe("--tls_key_file tls.key is not there");
    expect(watch.material.certificate).toBe(text("server.pem"));
    put("next-server");
    expect([await watch.look(), await watch.look()]).toEqual([undefined, "certificate"]);
  });

  test("goes back to what is in force without a word", async () => {
    const watch = await CertificateWatch.open(options, clock);
    writeFileSync(options.keyFile, "");
    await watch.look();
    expect(await faultOf(watch.look())).toMatch("holds no private key");
    put("server");
    expect([await watch.look(), await watch.look()]).toEqual([undefined, undefined]);
  });

  test("sees through a folder of links that is swapped, as Kubernetes does with secrets", async () => {
    const secret = (name: string, from: string) => {
      mkdirSync(join(folder, name));
      copyFileSync(fixture(`${from}.pem`), join(folder, name, "crt"));
      copyFileSync(fixture(`${from}-key.pem`), join(folder, name, "key"));
    };
    secret("..one", "server");
    symlinkSync("..one", join(folder, "..data"));
    for (const name of ["crt", "key"]) symlinkSync(join("..data", name), join(folder, name));
    const linked = files({ certificateFile: join(folder, "crt"), keyFile: join(folder, "key") });
    const watch = await CertificateWatch.open(linked, clock);
    secret("..two", "next-server");
    symlinkSync("..two", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    rmSync(join(folder, "..one"), { recursive: true });
    expect([await watch.look(), await watch.look()]).toEqual([undefined, "certificate"]);
    expect(watch.material.certificate).toBe(text("next-server.pem"));
  });

  test("changes ticket keys twice a day", async () => {
    const watch = await CertificateWatch.open(options, clock);
    const { ticketKeys, ...before } = watch.material;
    await clock.advance(12 * 3600 * 1000 - 1);
    expect(await watch.look()).toBeUndefined();
    await clock.advance(1);
    expect(await watch.look()).toBe("tickets");
    const { ticketKeys: after, ...rest } = watch.material;
    expect(rest).toEqual(before);
    expect(after).not.toEqual(ticketKeys);
    expect(await watch.look()).toBeUndefined();
  });
});
