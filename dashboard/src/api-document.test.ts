import { expect, test } from "vitest";
import { operationGroups, resolve, schemaText } from "./api-document.ts";
import { parseJson } from "./exact-json.ts";

const DOCUMENT = parseJson(`{
  "paths": {
    "/v1/models/iris:predict": {
      "parameters": [{"$ref": "#/components/parameters/a~1b"}],
      "post": {
        "tags": ["iris"], "summary": "Runs iris",
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Rows"}, "example": {"instances": [1]}}}},
        "responses": {"200": {"description": "values", "content": {"application/json": {"schema": {"type": "number"}}}}}
      }
    },
    "/readyz": {"get": {"responses": {"200": {"description": "ready"}}}}
  },
  "components": {
    "parameters": {"a/b": {"name": "wait", "in": "query", "description": "how long"}},
    "schemas": {
      "Rows": {"type": "object", "required": ["instances"], "properties": {
        "instances": {"type": "array", "description": "a row each", "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}},
        "a-b": {"oneOf": [{"const": "x"}, {"type": ["integer", "null"]}]}
      }},
      "Loop": {"type": "array", "items": {"$ref": "#/components/schemas/Loop"}}
    }
  }
}`);

test("operations are grouped by tag, or by where their path begins", () => {
  const groups = operationGroups(DOCUMENT);
  expect(groups.map(({ name, operations }) => [name, operations.map(({ method, path }) => `${method} ${path}`)])).toEqual([
    ["iris", ["POST /v1/models/iris:predict"]],
    ["/readyz", ["GET /readyz"]],
  ]);
  expect(groups[0]!.operations[0]).toMatchObject({
    summary: "Runs iris",
    parameters: [{ name: "wait", place: "query", required: false, description: "how long" }],
    request: { mediaType: "application/json", example: parseJson('{"instances": [1]}') },
    responses: [{ status: "200", description: "values" }],
  });
});

test("a schema looks like what it describes", () => {
  expect(schemaText(DOCUMENT, parseJson('{"$ref": "#/components/schemas/Rows"}'))).toBe(
    '{\n  instances: [[number × 2]]  // a row each\n  "a-b"?: "x" | integer | null\n}',
  );
});

test("a schema within itself, and one that is nowhere, come to an end", () => {
  expect(schemaText(DOCUMENT, parseJson('{"$ref": "#/components/schemas/Loop"}'))).toMatch(/^\[+any\]+$/);
  expect(schemaText(DOCUMENT, parseJson('{"$ref": "#/nowhere"}'))).toBe("any");
  expect(resolve(parseJson('{"a": {"$ref": "#/a"}}'), parseJson('{"$ref": "#/a"}'))).toBeUndefined();
});
