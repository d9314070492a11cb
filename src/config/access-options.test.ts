import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parseFlags } from "./command-line.ts";
import { faultOf } from "./test-fault.ts";

describe("authentication", () => {
  test.each<[readonly string[], Record<string, string>, unknown]>([
    [[], {}, undefined],
    [["--enable_auth=false"], {}, undefined],
    [["--enable_auth=False", "--auth_password=s3cret"], {}, undefined],
    [[], { STFS_ENABLE_AUTH: "False", STFS_AUTH_PASSWORD: "s3cret" }, undefined],
    [["--auth_file=a.yaml"], {}, { file: resolve("a.yaml"), user: undefined }],
    [["--enable_auth", "--auth_file=a.yaml"], {}, { file: resolve("a.yaml"), user: undefined }],
    [["--enable_auth", "--auth_password=s3cret"], {}, { file: undefined, user: { name: "admin", password: "s3cret" } }],
    [
      ["--enable_auth", "--auth_username=ada", "--auth_password_file=p"],
      {},
      { file: undefined, user: { name: "ada", passwordFile: resolve("p") } },
    ],
    [
      [],
      { STFS_ENABLE_AUTH: "true", STFS_AUTH_USERNAME: "ada", STFS_AUTH_PASSWORD: "p" },
      { file: undefined, user: { name: "ada", password: "p" } },
    ],
    [
      ["--enable_auth", "--auth_password=p", "--auth_file=a.yaml"],
      {},
      { file: resolve("a.yaml"), user: { name: "admin", password: "p" } },
    ],
  ])("%o with %o", (argv, environment, expected) => {
    expect(parseFlags(argv, environment).options.access).toEqual(expected);
  });

  test.each([
    [["--enable_auth"], "--enable_auth needs a password"],
    [["--enable_auth", "--auth_password="], "--enable_auth needs a password"],
    [["--enable_auth", "--auth_username=ada", "--auth_file=a.yaml"], "--enable_auth needs a password"],
    [["--enable_auth", "--auth_password=s3cret", "--auth_password_file=p"], "exclude each other"],
    [["--enable_auth", "--auth_password=s3cret", "--auth_username=a:b"], "--auth_username expects"],
    [["--auth_password=s3cret"], "--auth_password alone does not turn authentication on"],
    [["--auth_username=s3cret"], "--auth_username alone"],
    [["--enable_auth=false", "--auth_file=a.yaml"], "contradict each other"],
    [["--enable_auth=maybe", "--auth_password=s3cret"], "--enable_auth expects true or false"],
  ])("%o is refused without the password", (argv, message) => {
    expect(faultOf(...argv)).toContain(message);
    expect(faultOf(...argv)).not.toContain("s3cret");
  });
});

describe("pages of other origins", () => {
  test.each([
    [[], { everyone: false, origins: [] }],
    [["--enable_cors"], { everyone: true, origins: [] }],
    [["--enable_cors=false"], { everyone: false, origins: [] }],
    [["--rest_api_enable_cors_support"], { everyone: true, origins: [] }],
    [
      ["--cors_allowed_origins=https://a.example, http://localhost:3000"],
      { everyone: false, origins: ["https://a.example", "http://localhost:3000"] },
    ],
  ])("%o", (argv, expected) => {
    expect(parseFlags(argv, {}).options.cors).toEqual(expected);
  });

  test.each(["*", "a.example", "https://a.example/", "https://A.example", "https://a.example:443", "null", "file:///x"])(
    "%s is no origin",
    (origin) => {
      expect(faultOf(`--cors_allowed_origins=${origin}`)).toContain("--cors_allowed_origins expects origins such as");
    },
  );
});

describe("TLS by Simple TensorFlow Serving's flags", () => {
  test.each<[readonly string[], Record<string, string>]>([
    [["--enable_ssl", "--secret_pem=c.pem", "--secret_key=k.pem"], {}],
    [[], { STFS_ENABLE_SSL: "True", STFS_SECRET_PEM: "c.pem", STFS_SECRET_KEY: "k.pem" }],
  ])("%o with %o: the pem is the certificate", (argv, environment) => {
    expect(parseFlags(argv, environment).options.tls).toMatchObject({
      kind: "files",
      certificateFile: resolve("c.pem"),
      keyFile: resolve("k.pem"),
      namedBy: { certificate: "secret_pem", key: "secret_key" },
    });
  });

  test("the files are secret.pem and secret.key unless named", () => {
    expect(parseFlags(["--enable_ssl"], {}).options.tls).toMatchObject({
      certificateFile: resolve("secret.pem"),
      keyFile: resolve("secret.key"),
    });
  });

  test.each([
    [["--enable_ssl=false", "--secret_pem=c.pem"], "accepted"],
    [["--secret_pem=c.pem"], "--secret_pem alone does not turn TLS on: set --enable_ssl too, or leave it out"],
    [["--enable_ssl", "--secret_key="], "--enable_ssl needs the certificate in --secret_pem and its private key in --secret_key"],
    [
      ["--enable_ssl", "--tls_key_file=k.pem"],
      "--enable_ssl and --tls_key_file exclude each other: use --tls_certificate_file and --tls_key_file alone",
    ],
  ])("%o: %s", (argv, message) => {
    expect(faultOf(...argv)).toBe(message);
  });
});
