import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

/** Whether a client is asked for a certificate, and what becomes of one that has none; one that cannot be verified is refused. */
export type ClientCertificate = "none" | "request" | "require";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** What a TLS server is made of. Plain data: can be sent to another thread. */
export interface TlsMaterial {
  /** The server's certificate and those that lead from it to an authority, in PEM. */
  readonly certificate: string;
  /** Its private key in PEM, not encrypted. */
  readonly key: string;
  /** Certificates in PEM of those who may sign clients' certificates; undefined exactly when `clientCertificate` is `none`. */
  readonly clientAuthorities: string | undefined;
  readonly clientCertificate: ClientCertificate;
  readonly minVersion: TlsVersion;
  /**
   * 48 random bytes; threads that share them resume each other's sessions. Others whenever authorities or `clientCertificate`
   * change: a session is resumed without asking for a certificate again.
   */
  readonly ticketKeys: Uint8Array;
}

/**
 * Cipher suites in the server's order: with an ephemeral key exchange and authenticated encryption only. None of them is among
 * those that HTTP/2 forbids (RFC 9113, appendix A), and every client of the last ten years has one of them.
 */
const CIPHER_SUITES = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
];

/** Sessions are resumed only by servers that give the same name. */
const SESSION_CONTEXT = "modelport";

/**
 * The options of Node's that a material stands for. Renegotiation is off: it lets a client of TLS 1.2 make the server compute
 * without end, and HTTP/2 forbids it (RFC 9113, section 9.2.1).
 */
export function secureContextOptions(material: TlsMaterial): SecureContextOptions {
  const { certificate, key, clientAuthorities, minVersion, ticketKeys } = material;
  return {
    cert: certificate,
    key,
    ...(clientAuthorities !== undefined && { ca: clientAuthorities }),
    minVersion,
    ciphers: CIPHER_SUITES.join(":"),
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ticketKeys: Buffer.from(ticketKeys),
    sessionIdContext: SESSION_CONTEXT,
  };
}
