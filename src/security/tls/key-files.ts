import { open } from "node:fs/promises";
import { basename } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { parseSslConfig } from "../../config/ssl-config.ts";
import type { SslConfigFile, TlsFiles, TlsOptions } from "../../config/tls-options.ts";
import type { ClientCertificate } from "../../transport/tls/tls-material.ts";

/** A text and where it came from, in words for a message. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** What the files of a {@link TlsOptions} say, not yet checked. */
export interface KeyFiles {
  readonly certificate: NamedText;
  readonly key: NamedText;
  readonly passphrase: NamedText | undefined;
  readonly clientAuthorities: NamedText | undefined;
  readonly clientCertificate: ClientCertificate;
}

/** Far more than any chain of certificates or list of authorities needs. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads the files. Rejects with a ServingError failed-precondition that names the flag and the file. */
export function readKeyFiles(options: TlsOptions): Promise<KeyFiles> {
  return options.kind === "files" ? readPemFiles(options) : readSslConfig(options);
}

async function readPemFiles(files: TlsFiles): Promise<KeyFiles> {
  const optional = (flag: string, path: string | undefined) => (path === undefined ? undefined : read(flag, path));
  const [certificate, key, passphrase, clientAuthorities] = await Promise.all([
    read(`--${files.namedBy?.certificate ?? "tls_certificate_file"}`, files.certificateFile),
    read(`--${files.namedBy?.key ?? "tls_key_file"}`, files.keyFile),
    optional("--tls_key_passphrase_file", files.keyPassphraseFile),
    optional("--tls_client_ca_file", files.clientCaFile),
  ]);
  return {
    certificate,
    key,
    // An editor ends the last line of a file; a passphrase does not end in a line break.
    passphrase: passphrase && { ...passphrase, text: passphrase.text.replace(/\r?\n$/, "") },
    clientAuthorities,
    clientCertificate: clientAuthorities === undefined ? "none" : files.clientCertificate,
  };
}

async function readSslConfig({ file }: SslConfigFile): Promise<KeyFiles> {
  const { name, text } = await read("--ssl_config_file", file);
  try {
    const { serverCert, serverKey, customCa, clientVerify } = parseSslConfig(text);
    if (clientVerify && customCa === "") {
      throw new ServingError("failed-precondition", "client_verify needs custom_ca, by which clients' certificates are verified");
    }
    return {
      certificate: { name: `server_cert of ${name}`, text: serverCert },
      key: { name: `server_key of ${name}`, text: serverKey },
      passphrase: undefined,
      clientAuthorities: clientVerify ? { name: `custom_ca of ${name}`, text: customCa } : undefined,
      clientCertificate: clientVerify ? "require" : "none",
    };
  } catch (reason) {
    throw new ServingError("failed-precondition", `${name}: ${ServingError.from(reason).message}`, { cause: reason });
  }
}

async function read(flag: string, path: string): Promise<NamedText> {
  const name = `${flag} ${basename(path)}`;
  const refuse = (what: string, cause?: unknown): never => {
    throw new ServingError("failed-precondition", `${name} ${what}`, { cause });
  };
  const file = await open(path, "r").catch((reason: NodeJS.ErrnoException) =>
    refuse(reason.code === "ENOENT" ? "is not there" : `cannot be read (${reason.code})`, reason),
  );
  try {
    const stat = await file.stat();
    if (!stat.isFile()) refuse("is not a file");
    if (stat.size > MAX_BYTES) refuse(`has ${stat.size} bytes, expected ${MAX_BYTES} at most`);
    return { name, text: await file.readFile("utf8") };
  } finally {
    await file.close();
  }
}
