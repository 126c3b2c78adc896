/** The order within layers: crossings go where they can. */

import { Graph } from "@dagrejs/dagre";
import { describe, expect, it } from "vitest";
import { order } from "../src/ordering.ts";

function ordered(layers: string[][], edges: [string, string][]): string[][] {
  const graph = new Graph({ multigraph: true });
  layers.forEach((layer, rank) => layer.forEach((name) => graph.setNode(name, { rank })));
  for (const [from, to] of edges) graph.setEdge(from, to);
  order(graph);
  const place = (name: string): number => (graph.node(name) as { order: number }).order;
  return layers.map((layer) => [...layer].sort((a, b) => place(a) - place(b)));
}

describe("order", () => {
  it("leaves nothing crossed that need not be", () => {
    const [left, right] = ordered([["a", "b", "c"], ["x", "y", "z"]], [["a", "z"], ["b", "y"], ["c", "x"], ["a", "y"]]);
    expect(left!.map((name) => "abc".indexOf(name))).toEqual(right!.map((name) => "zyx".indexOf(name)));
  });

  it("keeps the order of what comes first where there is nothing to gain", () => {
    expect(ordered([["a", "b"], ["x", "y"]], [["a", "x"], ["b", "y"]])).toEqual([["a", "b"], ["x", "y"]]);
  });

  it("gives every node a place of its own, in layers that nothing links too", () => {
    const layers = [["a", "b", "c"], ["d"], ["e", "f"]];
    expect(ordered(layers, [["a", "d"]]).map((layer) => layer.toSorted())).toEqual(layers);
  });
});
