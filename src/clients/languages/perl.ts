import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, hexCode, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";

/** A string literal in Perl: single quotes where they will do. */
export function perlString(text: string): string {
  if (/^[ -~]*$/.test(text)) return `'${text.replace(/['\\]/g, "\\$&")}'`;
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\$@]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => `\\x{${hexCode(sign, 1)}}`);
  return `"${escaped}"`;
}

function rest(program: ClientProgram): string {
  const { authentication, tls, url, path, body, answerKey } = program;
  const basic = authentication === "basic";
  const text = bodyText(body, {
    literal: perlString,
    fill: (element, sizes) => `fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => parts.join(" . "),
  });
  return joinLines(
    comment("#", programHead(program, `Perl 5.14${tls ? " with IO::Socket::SSL" : ", and no modules of others"}`, true)),
    "use strict;",
    "use warnings;",
    "use HTTP::Tiny;",
    "use JSON::PP qw(decode_json);",
    basic && "use MIME::Base64 qw(encode_base64);",
    "",
    hasFilled(body) && FILL,
    `my $url = ($ENV{MODELPORT_URL} // ${perlString(url)}) . ${perlString(path)};`,
    `my $body = ${text};`,
    "my %headers = ('Content-Type' => 'application/json');",
    basic && BASIC,
    authentication === "bearer" && "$headers{Authorization} = 'Bearer ' . ($ENV{MODELPORT_TOKEN} // '');",
    "my %options = (timeout => 60);",
    tls && "%options = (%options, verify_SSL => 1);",
    tls && "$options{SSL_options} = { SSL_ca_file => $ENV{MODELPORT_CA} } if $ENV{MODELPORT_CA};",
    "",
    "my $response = HTTP::Tiny->new(%options)->post($url, { headers => \\%headers, content => $body });",
    'die "$response->{status}: $response->{content}\\n" unless $response->{success};',
    "my $json = JSON::PP->new->utf8->canonical->allow_nonref;",
    "# A NaN or Infinity in an answer is not JSON to JSON::PP: then the text is all there is.",
    "my $answer = eval { decode_json($response->{content}) };",
    `print $answer ? $json->encode($answer->{${answerKey}}) : $response->{content}, "\\n";`,
  );
}

const FILL = `\
# JSON text repeated into nested lists, the innermost size first.
sub fill {
    my ($text, @sizes) = @_;
    $text = '[' . join(',', ($text) x $_) . ']' for @sizes;
    return $text;
}
`;

const BASIC = `\
my $credentials = ($ENV{MODELPORT_USER} // '') . ':' . ($ENV{MODELPORT_PASSWORD} // '');
$headers{Authorization} = 'Basic ' . encode_base64($credentials, '');`;

/** Perl's core modules. */
export const PERL: ClientLanguage = {
  name: "perl",
  aliases: ["pl"],
  title: "Perl",
  fileName: "client.pl",
  mediaType: "text/x-perl",
  write: { rest },
};
