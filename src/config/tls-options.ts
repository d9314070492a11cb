import { ServingError } from "../base/serving-error.ts";

/** Where the server's certificate comes from, and what is asked of clients. Paths are absolute. */
export type TlsOptions = TlsFiles | SslConfigFile;

/** Files in PEM; TLS on every port. */
export interface TlsFiles {
  readonly kind: "files";
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly keyPassphraseFile: string | undefined;
  /** Undefined when clients are not asked for a certificate. */
  readonly clientCaFile: string | undefined;
  readonly clientCertificate: "request" | "require";
  readonly minVersion: TlsMinVersion;
  /** The flags that named the two files, where they are not `tls_certificate_file` and `tls_key_file`. */
  readonly namedBy?: { readonly certificate: string; readonly key: string };
}

/** TensorFlow Serving's `--ssl_config_file`; TLS on the gRPC port alone. */
export interface SslConfigFile {
  readonly kind: "ssl-config";
  readonly file: string;
  readonly minVersion: TlsMinVersion;
}

export type TlsMinVersion = "TLSv1.2" | "TLSv1.3";

/** The flags as they were written; see {@link resolveTls}. */
export interface TlsFlags {
  isSet(name: string): boolean;
  boolean(name: string): boolean;
  text(name: string): string;
  /** An absolute path; undefined for an empty text. */
  path(name: string): string | undefined;
  number(name: string): number;
}

const FILES = "--tls_certificate_file and --tls_key_file";

/**
 * What the flags say of TLS; undefined when they want none.
 * @throws ServingError invalid-argument for flags that contradict or lack each other
 */
export function resolveTls(flags: TlsFlags): TlsOptions | undefined {
  const stfs = resolveStfsFiles(flags);
  const certificateFile = stfs?.certificateFile ?? flags.path("tls_certificate_file");
  const keyFile = stfs?.keyFile ?? flags.path("tls_key_file");
  const sslConfigFile = flags.path("ssl_config_file");
  const minVersion: TlsMinVersion = `TLSv${flags.text("tls_min_version") as "1.2" | "1.3"}`;
  if (sslConfigFile !== undefined) {
    const other = given(flags, [
      "tls_certificate_file",
      "tls_key_file",
      "tls_key_passphrase_file",
      "tls_client_ca_file",
      "tls_client_certificate",
    ]);
    if (other !== undefined) {
      refuse(
        `--ssl_config_file and --${other} exclude each other: use ${FILES} for TLS on every port, --ssl_config_file for gRPC's`,
      );
    }
    if (flags.number("port") === 0)
      refuse(`--ssl_config_file secures --port, which is 0; use ${FILES} to secure --rest_api_port`);
    return { kind: "ssl-config", file: sslConfigFile, minVersion };
  }
  if (certificateFile === undefined || keyFile === undefined) {
    const only = given(flags, [
      "tls_certificate_file",
      "tls_key_file",
      "tls_key_passphrase_file",
      "tls_client_ca_file",
      "tls_client_certificate",
      "tls_min_version",
    ]);
    if (only === undefined) return undefined;
    return refuse(`--${only} alone does not turn TLS on: set both ${FILES}, or leave it out`);
  }
  if (flags.number("port") === 0 && flags.number("rest_api_port") === 0) {
    refuse("--tls_certificate_file secures ports, and both are 0; leave it out: a Unix socket takes no TLS");
  }
  const clientCaFile = flags.path("tls_client_ca_file");
  if (clientCaFile === undefined && flags.isSet("tls_client_certificate")) {
    refuse("--tls_client_certificate needs --tls_client_ca_file, by which clients' certificates are verified");
  }
  return {
    kind: "files",
    certificateFile,
    keyFile,
    keyPassphraseFile: flags.path("tls_key_passphrase_file"),
    clientCaFile,
    clientCertificate: flags.text("tls_client_certificate") as "request" | "require",
    minVersion,
    ...(stfs && { namedBy: { certificate: "secret_pem", key: "secret_key" } }),
  };
}

/** The files of Simple TensorFlow Serving's flags, whose own help has them the wrong way round; undefined when they turn nothing on. */
function resolveStfsFiles(flags: TlsFlags): { readonly certificateFile: string; readonly keyFile: string } | undefined {
  if (!flags.boolean("enable_ssl")) {
    const lone = flags.isSet("enable_ssl") ? undefined : given(flags, ["secret_pem", "secret_key"]);
    if (lone !== undefined) refuse(`--${lone} alone does not turn TLS on: set --enable_ssl too, or leave it out`);
    return undefined;
  }
  const other = given(flags, ["tls_certificate_file", "tls_key_file", "ssl_config_file"]);
  if (other !== undefined) refuse(`--enable_ssl and --${other} exclude each other: use ${FILES} alone`);
  const certificateFile = flags.path("secret_pem");
  const keyFile = flags.path("secret_key");
  if (certificateFile === undefined || keyFile === undefined) {
    return refuse("--enable_ssl needs the certificate in --secret_pem and its private key in --secret_key");
  }
  return { certificateFile, keyFile };
}

/** The first of the flags that has a value of its own. */
function given(flags: TlsFlags, names: readonly string[]): string | undefined {
  return names.find((name) => flags.isSet(name) && flags.text(name) !== "");
}

function refuse(message: string): never {
  throw new ServingError("invalid-argument", message);
}
