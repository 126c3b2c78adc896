/**
 * The order within the layers of a level, so that few edges cross: sweeps by barycentre, and swaps of neighbours, as
 * `view/ordering.py` has it for drawings. dagre's own builds a graph for every layer and sweep, which takes longer than
 * all the rest of a layout.
 */

import type { Graph } from "@dagrejs/dagre";

const SWEEPS = 12;
const SWAPS = 4;

/** Give every node of a graph, in which edges go from one layer to the next, its place in its layer. */
export function order(graph: Graph): void {
  const names = graph.nodes();
  const number = new Map(names.map((name, i) => [name, i]));
  const rank = names.map((name) => (graph.node(name) as { rank: number }).rank);
  const before: number[][] = names.map(() => []);
  const after: number[][] = names.map(() => []);
  for (const { v, w } of graph.edges()) {
    const [source, target] = [number.get(v)!, number.get(w)!];
    after[source]!.push(target);
    before[target]!.push(source);
  }
  best(layered(rank, after), before, after).forEach((layer) => layer.forEach((one, i) => {
    (graph.node(names[one]!) as { order: number }).order = i;
  }));
}

/** The layers in the order in which one comes to their nodes from those of the first ones. */
function layered(rank: readonly number[], after: readonly number[][]): number[][] {
  const least = Math.min(...rank);
  const layers: number[][] = Array.from({ length: Math.max(...rank) - least + 1 }, () => []);
  const seen = new Set<number>();
  for (const start of rank.map((_, i) => i).sort((a, b) => rank[a]! - rank[b]!)) {
    const waiting = [start];
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (seen.has(one)) continue;
      seen.add(one);
      layers[rank[one]! - least]!.push(one);
      waiting.push(...after[one]!.toReversed());
    }
  }
  return layers;
}

function best(layers: number[][], before: readonly number[][], after: readonly number[][]): number[][] {
  const place = new Int32Array(before.length);
  const settle = (layer: readonly number[]): void => layer.forEach((one, i) => void (place[one] = i));
  layers.forEach(settle);
  let found = layers.map((layer) => [...layer]);
  let fewest = crossings(layers, after, place);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const layer of forward ? layers.slice(1) : layers.slice(0, -1).reverse()) {
      sortByNeighbours(layer, forward ? before : after, place);
      settle(layer);
    }
    for (const layer of layers) {
      swapNeighbours(layer, before, after, place);
      settle(layer);
    }
    const now = crossings(layers, after, place);
    if (now < fewest) [fewest, found] = [now, layers.map((layer) => [...layer])];
  }
  return found;
}

/** Sort a layer by the mean place of the neighbours in another; what has none there stays where it is. */
function sortByNeighbours(layer: number[], neighbours: readonly number[][], place: Int32Array): void {
  const means = new Map(layer.map((one, i) => {
    const near = neighbours[one]!;
    return [one, near.length === 0 ? i : near.reduce((sum, other) => sum + place[other]!, 0) / near.length];
  }));
  layer.sort((a, b) => means.get(a)! - means.get(b)!);
}

/** Swap neighbours in a layer as long as that removes crossings. */
function swapNeighbours(layer: number[], before: readonly number[][], after: readonly number[][], place: Int32Array): void {
  const gain = (upper: number, lower: number): number =>
    inversions(before[upper]!, before[lower]!, place) + inversions(after[upper]!, after[lower]!, place);
  for (let round = 0, swapped = true; swapped && round < SWAPS; round += 1) {
    swapped = false;
    for (let i = 1; i < layer.length; i += 1) {
      const [upper, lower] = [layer[i - 1]!, layer[i]!];
      if (gain(upper, lower) <= 0) continue;
      [layer[i - 1], layer[i]] = [lower, upper];
      swapped = true;
    }
  }
}

/** How many more pairs of edges cross than would if the two were swapped. */
function inversions(upper: readonly number[], lower: readonly number[], place: Int32Array): number {
  let more = 0;
  for (const a of upper) for (const b of lower) more += Math.sign(place[a]! - place[b]!);
  return more;
}

/** How many pairs of edges between neighbouring layers cross. */
function crossings(layers: readonly number[][], after: readonly number[][], place: Int32Array): number {
  let count = 0;
  for (const layer of layers) {
    const ends = layer.flatMap((one) => after[one]!.map((other) => place[other]!).sort((a, b) => a - b));
    for (let i = 1; i < ends.length; i += 1) for (let k = 0; k < i; k += 1) if (ends[k]! > ends[i]!) count += 1;
  }
  return count;
}
