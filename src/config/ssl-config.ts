import { parseTextFormat } from "../codec/text-format/parse-text-format.ts";
import { SSLConfigSchema } from "../gen/tensorflow_serving/config/ssl_config_pb.ts";

/** What a `--ssl_config_file` holds: PEM texts, not paths; a text that is not set is empty. */
export interface SslConfig {
  readonly serverKey: string;
  readonly serverCert: string;
  readonly customCa: string;
  /** Whether clients must have a certificate that `customCa` signed. */
  readonly clientVerify: boolean;
}

/**
 * Reads a `tensorflow.serving.SSLConfig` in protobuf text format.
 * @throws ServingError invalid-argument, `LINE:COL: what is wrong`
 */
export function parseSslConfig(text: string): SslConfig {
  const { serverKey, serverCert, customCa, clientVerify } = parseTextFormat(SSLConfigSchema, text);
  return { serverKey, serverCert, customCa, clientVerify };
}
