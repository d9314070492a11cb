import { describe, expect, test } from "vitest";
import { parseFlags } from "./command-line.ts";
import { faultOf } from "./test-fault.ts";

const tlsOf = (...argv: string[]) => parseFlags(argv, {}).options.tls;

const FILES = ["--tls_certificate_file=/c", "--tls_key_file=/k"];
const DEFAULTS = {
  kind: "files",
  certificateFile: "/c",
  keyFile: "/k",
  keyPassphraseFile: undefined,
  clientCaFile: undefined,
  clientCertificate: "require",
  minVersion: "TLSv1.2",
};

describe("flags of TLS", () => {
  test.each([
    [[], undefined],
    [["--tls_certificate_file=", "--ssl_config_file="], undefined],
    [FILES, DEFAULTS],
    [[...FILES, "--tls_key_passphrase_file=/p"], { ...DEFAULTS, keyPassphraseFile: "/p" }],
    [[...FILES, "--tls_client_ca_file=/a"], { ...DEFAULTS, clientCaFile: "/a" }],
    [
      [...FILES, "--tls_client_ca_file=/a", "--tls_client_certificate=request", "--tls_min_version=1.3"],
      { ...DEFAULTS, clientCaFile: "/a", clientCertificate: "request", minVersion: "TLSv1.3" },
    ],
    [[...FILES, "--port=0"], DEFAULTS],
    [["--ssl_config_file=/s"], { kind: "ssl-config", file: "/s", minVersion: "TLSv1.2" }],
    [["--ssl_config_file=/s", "--tls_min_version=1.3"], { kind: "ssl-config", file: "/s", minVersion: "TLSv1.3" }],
  ])("%j say what is meant", (argv, expected) => expect(tlsOf(...argv)).toEqual(expected));

  const both = "set both --tls_certificate_file and --tls_key_file, or leave it out";
  test.each([
    [["--tls_certificate_file=/c"], `--tls_certificate_file alone does not turn TLS on: ${both}`],
    [["--tls_key_file=/k"], `--tls_key_file alone does not turn TLS on: ${both}`],
    [["--tls_client_ca_file=/a"], `--tls_client_ca_file alone does not turn TLS on: ${both}`],
    [["--tls_min_version=1.3"], `--tls_min_version alone does not turn TLS on: ${both}`],
    [
      [...FILES, "--tls_client_certificate=request"],
      "--tls_client_certificate needs --tls_client_ca_file, by which clients' certificates are verified",
    ],
    [
      ["--ssl_config_file=/s", "--tls_key_file=/k"],
      "--ssl_config_file and --tls_key_file exclude each other: use --tls_certificate_file and --tls_key_file for TLS on every port, --ssl_config_file for gRPC's",
    ],
    [
      ["--ssl_config_file=/s", "--port=0"],
      "--ssl_config_file secures --port, which is 0; use --tls_certificate_file and --tls_key_file to secure --rest_api_port",
    ],
    [
      [...FILES, "--port=0", "--rest_api_port=0", "--grpc_socket_path=/x"],
      "--tls_certificate_file secures ports, and both are 0; leave it out: a Unix socket takes no TLS",
    ],
    [["--tls_min_version=1.1"], '--tls_min_version expects one of 1.2, 1.3, got "1.1"'],
  ])("%j are refused", (argv, message) => expect(faultOf(...argv)).toBe(message));
});

describe("flags of Unix sockets", () => {
  test("name one for each, and their permissions", () => {
    const { options } = parseFlags(["--grpc_socket_path=/g", "--rest_api_socket_path=/r", "--socket_mode=0660"], {});
    expect(options).toMatchObject({ grpcSocketPath: "/g", restSocketPath: "/r", socketMode: 0o660 });
  });

  test("one of which is enough to listen on", () => {
    expect(parseFlags(["--port=0", "--rest_api_port=0", "--rest_api_socket_path=/r"], {}).options).toMatchObject({
      port: 0,
      restApiPort: 0,
      restSocketPath: "/r",
      socketMode: undefined,
    });
  });

  test.each([
    [["--grpc_socket_path=/g", "--socket_mode=888"], '--socket_mode expects three octal digits, such as 660, got "888"'],
    [["--socket_mode=660"], "--socket_mode needs --grpc_socket_path or --rest_api_socket_path"],
    [
      ["--grpc_socket_path=/g", "--rest_api_socket_path=/g"],
      "--rest_api_socket_path must differ from --grpc_socket_path, which takes REST as well",
    ],
  ])("%j are refused", (argv, message) => expect(faultOf(...argv)).toBe(message));
});
