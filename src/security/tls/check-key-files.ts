import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { ServingError } from "../../base/serving-error.ts";
import { secureContextOptions, type TlsMaterial, type TlsVersion } from "../../transport/tls/tls-material.ts";
import type { KeyFiles, NamedText } from "./key-files.ts";

/** What a certificate says of its time, in milliseconds since 1970. */
export interface CheckedMaterial {
  readonly material: TlsMaterial;
  readonly validFrom: number;
  readonly validTo: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Makes a server's material of what files say. It is one that a TLS server can be made of: the key is the certificate's.
 * Whether the certificate is valid today is left to who uses it.
 *
 * @throws ServingError failed-precondition that names the flag and the file at fault
 */
export function checkKeyFiles(files: KeyFiles, minVersion: TlsVersion, ticketKeys: Uint8Array): CheckedMaterial {
  const [certificate] = certificatesOf(files.certificate);
  const { clientAuthorities } = files;
  if (clientAuthorities !== undefined) certificatesOf(clientAuthorities);
  const key = keyOf(files.key, files.passphrase);
  if (!certificate!.checkPrivateKey(key)) {
    throw new ServingError(
      "failed-precondition",
      `${files.key.name} is not the key of ${files.certificate.name}: give the key that the certificate was made for`,
    );
  }
  const material: TlsMaterial = {
    certificate: files.certificate.text,
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
    clientAuthorities: clientAuthorities?.text,
    clientCertificate: files.clientCertificate,
    minVersion,
    ticketKeys,
  };
  try {
    createSecureContext(secureContextOptions(material));
  } catch (cause) {
    throw new ServingError("failed-precondition", `${files.certificate.name} cannot be used for TLS (${reasonOf(cause)})`, {
      cause,
    });
  }
  return { material, validFrom: Date.parse(certificate!.validFrom), validTo: Date.parse(certificate!.validTo) };
}

/** All certificates of a text, one at least. */
function certificatesOf({ name, text }: NamedText): readonly X509Certificate[] {
  const blocks = text.match(CERTIFICATE);
  if (blocks === null) {
    const hint = text.includes("PRIVATE KEY-----") ? "; what it holds is a private key" : "";
    throw new ServingError("failed-precondition", `${name} holds no certificate in PEM (BEGIN CERTIFICATE)${hint}`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new ServingError("failed-precondition", `${name}: certificate ${index + 1} is damaged (${reasonOf(cause)})`, {
        cause,
      });
    }
  });
}

function keyOf({ name, text }: NamedText, passphrase: NamedText | undefined): KeyObject {
  if (!text.includes("PRIVATE KEY-----")) {
    const hint = text.includes("BEGIN CERTIFICATE") ? "; what it holds is a certificate" : "";
    throw new ServingError("failed-precondition", `${name} holds no private key in PEM (BEGIN PRIVATE KEY)${hint}`);
  }
  const encrypted = text.includes("ENCRYPTED");
  if (encrypted && passphrase === undefined) {
    throw new ServingError(
      "failed-precondition",
      `${name} is encrypted: give the passphrase with --tls_key_passphrase_file, or a key that is not encrypted`,
    );
  }
  try {
    return createPrivateKey({ key: text, format: "pem", ...(passphrase !== undefined && { passphrase: passphrase.text }) });
  } catch (cause) {
    const what = encrypted ? `cannot be decrypted with the passphrase of ${passphrase?.name}` : `is damaged (${reasonOf(cause)})`;
    throw new ServingError("failed-precondition", `${name} ${what}`, { cause });
  }
}

/** OpenSSL's own words, which hold nothing of the file, or Node's code. */
function reasonOf(reason: unknown): string {
  const { reason: words, code } = reason as { readonly reason?: string; readonly code?: string };
  return words ?? code ?? "unknown error";
}
