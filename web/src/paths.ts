/** The ways along which a gradient comes: from the output to a node. */

import type { Picture } from "./picture.ts";

export interface Ways {
  nodes: Set<number>;
  edges: Set<number>;
}

/** The edges that leave each node, and those that come to it. */
export class Neighbours {
  readonly out: number[][];
  readonly into: number[][];

  constructor(readonly picture: Picture) {
    this.out = picture.nodes.map(() => []);
    this.into = picture.nodes.map(() => []);
    picture.edges.forEach((edge, i) => {
      this.out[edge.source]?.push(i);
      this.into[edge.target]?.push(i);
    });
  }

  /** All nodes and edges on ways from ``node`` to the output along which a gradient comes. */
  ways(node: number): Ways {
    const { output, edges } = this.picture;
    const nodes = new Set<number>();
    const found = new Set<number>();
    if (output === undefined) return { nodes, edges: found };
    const after = new Set([node]); // what depends on the node, in topological order
    for (let target = node + 1; target <= output; target += 1) {
      if (this.into[target]!.some((i) => edges[i]!.differentiable !== false && after.has(edges[i]!.source))) {
        after.add(target);
      }
    }
    if (!after.has(output)) return { nodes, edges: found };
    nodes.add(output);
    for (let target = output; target > node; target -= 1) {
      if (!nodes.has(target)) continue;
      for (const i of this.into[target]!) {
        const edge = edges[i]!;
        if (edge.differentiable !== false && after.has(edge.source)) {
          nodes.add(edge.source);
          found.add(i);
        }
      }
    }
    return { nodes, edges: found };
  }

  /** Every path from the output to the node, as edges from the right; null if there are more than ``most``. */
  paths(node: number, most: number, longest: number): number[][] | null {
    const { output, edges } = this.picture;
    const ways = this.ways(node);
    const done: number[][] = [];
    const waiting: { at: number; path: number[] }[] = [{ at: node, path: [] }];
    let looked = 0;
    while (waiting.length > 0) {
      const { at, path } = waiting.pop()!;
      looked += 1;
      if (looked > most * longest || path.length > longest) return null;
      if (at === output) {
        done.push(path);
        if (done.length > most) return null;
        continue;
      }
      const next = this.out[at]!.filter((i) => ways.edges.has(i));
      for (const i of next.reverse()) waiting.push({ at: edges[i]!.target, path: [i, ...path] });
    }
    return done;
  }
}
