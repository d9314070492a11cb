import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Rust. */
export function rustString(text: string): string {
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\u{${hexCode(sign, 1)}}`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body } = program;
  const basic = authentication === "basic";
  const text = bodyText(body, {
    literal: rustString,
    fill: (element, sizes) => `fill(${element}, &[${sizes.join(", ")}])`,
    join: (parts) => `[${parts.map((part) => `${part}${part.startsWith('"') ? ".to_string()" : ""}`).join(", ")}].concat()`,
  });
  return joinLines(
    comment("//", programHead(program, `the crates: cargo add ureq@3${basic ? " base64@0.22" : ""}`, true)),
    basic && "use base64::{engine::general_purpose::STANDARD, Engine};",
    "use std::{env, error::Error, time::Duration};",
    tls && "use ureq::tls::{parse_pem, PemItem, RootCerts, TlsConfig};",
    "use ureq::Agent;",
    "",
    "fn main() -> Result<(), Box<dyn Error>> {",
    `    let url = variable("MODELPORT_URL", ${rustString(url)});`,
    `    let body = ${text};`,
    "    let config = Agent::config_builder()",
    "        .http_status_as_error(false)",
    "        .timeout_global(Some(Duration::from_secs(60)));",
    tls && AUTHORITY,
    "    let agent: Agent = config.build().into();",
    `    let request = agent.post(url + ${rustString(path)}).header("Content-Type", "application/json");`,
    basic && BASIC,
    authentication === "bearer" &&
      '    let request = request.header("Authorization", format!("Bearer {}", variable("MODELPORT_TOKEN", "")));',
    MAIN_END,
    hasFilled(body) && FILL,
    VARIABLE,
  );
}

const AUTHORITY = `\
    let config = match env::var("MODELPORT_CA") {
        Err(_) => config,
        Ok(file) => {
            let text = std::fs::read(file)?;
            let trusted = parse_pem(&text)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect::<Vec<_>>();
            config.tls_config(TlsConfig::builder().root_certs(RootCerts::from(trusted)).build())
        }
    };`;

const BASIC = `\
    let credentials = format!("{}:{}", variable("MODELPORT_USER", ""), variable("MODELPORT_PASSWORD", ""));
    let request = request.header("Authorization", format!("Basic {}", STANDARD.encode(credentials)));`;

const MAIN_END = `\
    let mut response = request.send(body)?;
    let answer = response.body_mut().read_to_string()?;
    if response.status() != 200 {
        return Err(format!("{}: {}", response.status(), answer).into());
    }
    println!("{answer}");
    Ok(())
}
`;

const FILL = `\
/// JSON text repeated into nested lists, the innermost size first.
fn fill(element: &str, sizes: &[usize]) -> String {
    sizes.iter().fold(element.to_string(), |text, &size| format!("[{}]", vec![text; size].join(",")))
}
`;

const VARIABLE = `\
fn variable(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or(otherwise.to_string())
}`;

/** Rust with the crate ureq. */
export const RUST: ClientLanguage = {
  name: "rust",
  aliases: ["rs"],
  title: "Rust",
  fileName: "main.rs",
  mediaType: "text/x-rust",
  write: { rest },
};
