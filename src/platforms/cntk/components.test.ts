import fc from "fast-check";
import { expect, test } from "vitest";
import { components } from "./components.ts";

test("each component comes after what it needs, and its nodes are those that need each other", () => {
  const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 30 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const nodes = Array.from({ length: 12 }, (_, i) => i);
      const needs = (node: number) => pairs.filter(([from]) => from === node).map(([, to]) => to);
      const reaches = nodes.map((node) => reachable(node, needs));
      const found = components(nodes, needs);
      expect(found.flat().sort((a, b) => a - b)).toEqual(nodes);
      const place = new Map(found.flatMap((component, i) => component.map((node) => [node, i])));
      for (const [from, to] of pairs) expect(place.get(to)).toBeLessThanOrEqual(place.get(from)!);
      for (const a of nodes) {
        for (const b of nodes) expect(place.get(a) === place.get(b)).toBe(a === b || (reaches[a]!.has(b) && reaches[b]!.has(a)));
      }
    }),
  );
});

test("a chain of 100,000 nodes is followed without recursion", () => {
  expect(components([99_999], (node) => (node === 0 ? [] : [node - 1]))).toHaveLength(100_000);
});

function reachable(from: number, needs: (node: number) => readonly number[]): Set<number> {
  const found = new Set<number>();
  const waiting = [...needs(from)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    waiting.push(...needs(next));
  }
  return found;
}
