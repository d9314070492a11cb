import { expect, test } from "vitest";
import { GraphBuilder } from "../../graph/graph-builder.ts";
import { TensorNames } from "./tensor-names.ts";

function names() {
  const graph = new GraphBuilder().at("add_");
  const tensors = new TensorNames(graph);
  const value = () => graph.scalar("float32", 1);
  return { graph, tensors, value };
}

test("once one of two tensors that may share memory is changed, the other is an error and the first goes on", () => {
  const { tensors, value } = names();
  tensors.set("x", value());
  tensors.setDoubtful("y", "x", value());
  const changed = value();
  expect(tensors.get("x")).toBeDefined();
  tensors.write("y", changed);
  expect(tensors.get("y")).toBe(changed);
  expect(() => tensors.get("x")).toThrow('add_: it depends on sizes whether "x" changes too, which is not covered');
});

test("what may share memory with what may share memory is an error too", () => {
  const { tensors, value } = names();
  tensors.set("x", value());
  tensors.setDoubtful("y", "x", value());
  tensors.setDoubtful("z", "y", value());
  tensors.write("x", value());
  expect(() => tensors.get("y")).toThrow("depends on sizes");
  expect(() => tensors.get("z")).toThrow("depends on sizes");
});

test("a part of a weight is not written to, whatever names lead to it", () => {
  const { tensors, value } = names();
  tensors.setFixed("w", value(), 'its buffer "steps"');
  tensors.setSame("same", "w");
  tensors.setView("part", "same", tensors.get("w"), (base) => base);
  expect(() => tensors.write("part", value())).toThrow('a call changes its buffer "steps", which is not covered');
});

test("a tensor that others share is not given another form", () => {
  const { tensors, value } = names();
  tensors.set("x", value());
  tensors.reform("x", value());
  tensors.setSame("y", "x");
  expect(() => tensors.reform("x", value())).toThrow("another form of a tensor that shares memory is not covered");
});

test("a chain of parts ends in an error, not in a stack that is too deep", () => {
  const { tensors, value } = names();
  tensors.set("v0", value());
  expect(() => {
    for (let i = 0; i < 100_000; i++) tensors.setView(`v${i + 1}`, `v${i}`, tensors.get(`v${i}`), (base) => base);
  }).toThrow("it is a part of more than 256 tensors");
});
