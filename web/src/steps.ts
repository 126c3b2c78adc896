/** What a lecturer has written on the board after so many steps. */

import type { Folding } from "./fold.ts";
import type { Picture, Step } from "./picture.ts";

/** One step as it is shown: some of the picture's steps that happen at one visible place. */
export interface Shown {
  phase: "forward" | "seed" | "backward";
  /** The picture's steps from ``from`` up to before ``to``. */
  from: number;
  to: number;
  /** The only step of a node, or along an edge; undefined if it is many inside a closed group. */
  step?: Step;
  /** The closed group that it happens in. */
  group?: number;
  /** The visible ends of an edge between different places. */
  edge?: number;
}

export function phaseOf(step: Step): Shown["phase"] {
  return "node" in step ? "forward" : "seed" in step ? "seed" : "backward";
}

/** The picture's steps, those inside one closed group taken together. */
export function visibleSteps(picture: Picture, folding: Folding): Shown[] {
  const found: Shown[] = [];
  let lastKey = "";
  picture.steps.forEach((step, i) => {
    const phase = phaseOf(step);
    const [key, group] = placeOf(step, picture, folding);
    const last = found.at(-1);
    if (last && group !== undefined && `${phase} ${key}` === lastKey) {
      last.to = i + 1;
      delete last.step;
    } else {
      const shown: Shown = { phase, from: i, to: i + 1, step };
      if (group !== undefined) shown.group = group;
      if ("edge" in step) shown.edge = step.edge;
      found.push(shown);
    }
    lastKey = `${phase} ${key}`;
  });
  return found;
}

/** What names the visible place of a step, and the closed group that hides it, if one does. */
function placeOf(step: Step, picture: Picture, folding: Folding): [string, number | undefined] {
  if ("edge" in step) {
    const edge = picture.edges[step.edge]!;
    const source = folding.visible(edge.source);
    const target = folding.visible(edge.target);
    const hidden = target.group ?? source.group;
    return [`${target.group ?? -1} ${source.group ?? -1} ${hidden === undefined ? step.edge : ""}`, hidden];
  }
  const place = folding.visible("node" in step ? step.node : step.seed);
  return [`${place.group ?? `n${place.node}`}`, place.group];
}

/** What is known after some of the picture's steps. */
export class Board {
  /** By node and by edge, the number of the step after which it is known. */
  private readonly nodeAt: Int32Array;
  private readonly edgeAt: Int32Array;
  private readonly seedAt: number;
  private readonly arrivals: number[][];

  constructor(private readonly picture: Picture) {
    const { nodes, edges, steps } = picture;
    this.nodeAt = new Int32Array(nodes.length);
    this.edgeAt = new Int32Array(edges.length).fill(-1);
    this.arrivals = nodes.map(() => []);
    let seed = -1;
    steps.forEach((step, i) => {
      if ("node" in step) this.nodeAt[step.node] = i + 1;
      else if ("seed" in step) seed = i + 1;
      else {
        this.edgeAt[step.edge] = i + 1;
        this.arrivals[edges[step.edge]!.source]?.push(step.edge);
      }
    });
    this.seedAt = seed;
  }

  /** Whether the value of the node is on the board. */
  hasValue(node: number, position: number): boolean {
    return position >= this.nodeAt[node]!;
  }

  /** Whether the gradient has gone along the edge. */
  hasArrived(edge: number, position: number): boolean {
    return this.edgeAt[edge]! >= 0 && position >= this.edgeAt[edge]!;
  }

  /** The edges along which the gradient of a node arrives, in the order in which it does. */
  arrivalsOf(node: number): readonly number[] {
    return this.arrivals[node]!;
  }

  /** Those of them that are done. */
  arrived(node: number, position: number): number[] {
    return this.arrivals[node]!.filter((edge) => this.hasArrived(edge, position));
  }

  /** Whether the whole gradient of the node is on the board, a part of it, or nothing. */
  gradientState(node: number, position: number): "none" | "part" | "whole" {
    if (this.seedAt < 0) return "none";
    const edges = this.arrivals[node]!;
    if (node === this.picture.output && edges.length === 0) return position >= this.seedAt ? "whole" : "none";
    const done = this.arrived(node, position).length;
    if (edges.length === 0) return position >= this.picture.steps.length ? "whole" : "none";
    return done === 0 ? "none" : done < edges.length ? "part" : "whole";
  }
}
