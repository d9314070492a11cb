import { bodyText, hasFilled } from "../body-text.ts";
import type { ClientLanguage, ClientProgram } from "../client-program.ts";
import { comment, joinLines } from "../escapes.ts";
import { programHead } from "../program-head.ts";
import { javascriptString } from "./javascript-literal.ts";

/** A string literal in C#. */
export function csharpString(text: string): string {
  return javascriptString(text);
}

function rest(program: ClientProgram): string {
  const { authentication, url, path, body } = program;
  const text = bodyText(body, {
    literal: csharpString,
    fill: (element, sizes) => `Fill(${[element, ...sizes].join(", ")})`,
    join: (parts) => parts.join(" + "),
  });
  return joinLines(
    comment("//", programHead(program, ".NET or Mono, and no packages", false)),
    "using System;",
    hasFilled(body) && "using System.Linq;",
    "using System.Net.Http;",
    authentication !== "none" && "using System.Net.Http.Headers;",
    "using System.Text;",
    "using System.Threading.Tasks;",
    "",
    "public static class Client",
    "{",
    "    public static int Main() => Ask().GetAwaiter().GetResult();",
    "",
    "    static async Task<int> Ask()",
    "    {",
    `        var url = Variable("MODELPORT_URL", ${csharpString(url)});`,
    `        var body = ${text};`,
    "        using (var client = new HttpClient { Timeout = TimeSpan.FromMinutes(1) })",
    "        {",
    authentication === "basic" && BASIC,
    authentication === "bearer" &&
      '            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Variable("MODELPORT_TOKEN", ""));',
    '            var content = new StringContent(body, Encoding.UTF8, "application/json");',
    `            var response = await client.PostAsync(url + ${csharpString(path)}, content);`,
    MAIN_END,
    hasFilled(body) && FILL,
    VARIABLE,
    "}",
  );
}

const BASIC = `\
            var credentials = Encoding.UTF8.GetBytes(Variable("MODELPORT_USER", "") + ":" + Variable("MODELPORT_PASSWORD", ""));
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(credentials));`;

const MAIN_END = `\
            var answer = await response.Content.ReadAsStringAsync();
            if (!response.IsSuccessStatusCode)
            {
                Console.Error.WriteLine((int)response.StatusCode + ": " + answer);
                return 1;
            }
            Console.WriteLine(answer);
            return 0;
        }
    }
`;

const FILL = `\
    /// <summary>JSON text repeated into nested lists, the innermost size first.</summary>
    static string Fill(string text, params int[] sizes) =>
        sizes.Aggregate(text, (inner, size) => "[" + string.Join(",", Enumerable.Repeat(inner, size)) + "]");
`;

const VARIABLE = `\
    static string Variable(string name, string otherwise) => Environment.GetEnvironmentVariable(name) ?? otherwise;`;

/** C# with HttpClient. */
export const CSHARP: ClientLanguage = {
  name: "csharp",
  aliases: ["c#", "cs", "dotnet"],
  title: "C#",
  fileName: "Client.cs",
  mediaType: "text/x-csharp",
  write: { rest },
};
