/**
 * Places for what is visible. Each level is laid out by dagre, in layers from left to right; an open group is a box in
 * the level around it. dagre decides layers, order and heights. The columns are made here, so that edges run straight
 * through a column and bend in the gaps between columns only, where there is nothing that they could cross.
 */

import { Graph, layout as layOut } from "@dagrejs/dagre";
import { type End, type Folding, type Item, type Level, type Link, ROOT, groupItem, groupOf, isGroup } from "./fold.ts";

import { order } from "./ordering.ts";

export interface Size {
  width: number;
  /** Of the body; edges end at half of it. */
  height: number;
}

export interface Measures {
  /** The room that an item takes when it is closed. */
  size(item: Item): Size;
  /** The room that the label of a link takes; null without one. */
  label(link: Link): Size | null;
  /** The room below every body, for gradients. */
  below: number;
  /** Whether all that comes from nowhere stands in the first column. */
  align: boolean;
}

export interface Point {
  x: number;
  y: number;
}

/** Something visible and its place; ``open`` is a frame around what is in it. */
export interface Box extends Point, Size {
  item: Item;
  open: boolean;
  depth: number;
}

/** An edge as it runs: pairs of points between which it is straight; curves join the pairs. */
export interface Wire {
  edges: number[];
  points: Point[];
  /** Whether it ends at an item, and not at the side of a frame. */
  arrow: boolean;
  /** Whether it runs inside a frame. */
  framed: boolean;
  label?: Point & Size;
}

export interface Scene {
  boxes: Box[];
  wires: Wire[];
  width: number;
  height: number;
}

export const FRAME = { left: 16, right: 16, top: 34, bottom: 14 };
const CLOSER = 30; // the room for what closes a frame, in its title
const GAP = 26;
const WIDEST_GAP = 110;
const PORT = 10;
const ARROWS = 11;

interface Placed {
  /** By item, the left upper corner of its body. */
  at: Map<Item, Point>;
  enter: Map<Item, number>;
  leave: Map<Item, number>;
  wires: Wire[];
  width: number;
  height: number;
}

/** Lays out what is visible; a level that has not changed keeps its places. */
export class Layouter {
  private readonly known = new Map<string, Placed>();

  constructor(private readonly folding: Folding) {}

  scene(measures: Measures): Scene {
    const levels = this.folding.levels();
    const placed = new Map<number, Placed>();
    const sizes = new Map<Item, Size>();
    const sizeOf = (item: Item): Size => sizes.get(item) ?? measures.size(item);
    // From the inside: a level comes after those around it.
    for (const [container, level] of [...levels].reverse()) {
      const least = container === ROOT ? 0 : measures.size(groupItem(container)).width + CLOSER;
      const inner = this.level(level, sizeOf, placed, measures, least);
      placed.set(container, inner);
      if (container !== ROOT) {
        const height = FRAME.top + inner.height + FRAME.bottom;
        sizes.set(groupItem(container), { width: inner.width, height });
      }
    }
    return flatten(levels, placed, sizeOf);
  }

  private level(
    level: Level, sizeOf: (item: Item) => Size, inner: Map<number, Placed>, measures: Measures, least: number,
  ): Placed {
    const key = signature(level, sizeOf, inner, measures);
    const known = this.known.get(key);
    if (known) return known;
    const placed = place(level, sizeOf, inner, measures, least);
    this.known.set(key, placed);
    return placed;
  }
}

function signature(level: Level, sizeOf: (item: Item) => Size, inner: Map<number, Placed>, measures: Measures): string {
  const parts: string[] = [`${level.container} ${measures.below} ${measures.align}`];
  for (const item of level.items) {
    const { width, height } = sizeOf(item);
    parts.push(`${item} ${width.toFixed(1)} ${height.toFixed(1)}`);
    if (isGroup(item)) {
      const ports = inner.get(groupOf(item));
      if (ports) parts.push(JSON.stringify([[...ports.enter], [...ports.leave]]));
    }
  }
  for (const link of level.links) {
    const label = measures.label(link);
    parts.push(`${JSON.stringify([link.from, link.to, link.edges])} ${label ? label.width.toFixed(1) : ""}`);
  }
  return parts.join(";");
}

const nodeName = (one: Link["from"] | Link["to"]): string =>
  "enter" in one ? `<${one.enter}` : "leave" in one ? `>${one.leave}` : `${one.item}`;

interface Column {
  left: number;
  right: number;
}

function place(
  level: Level, sizeOf: (item: Item) => Size, inner: Map<number, Placed>, measures: Measures, narrowest: number,
): Placed {
  const { below } = measures;
  const framed = level.container !== ROOT;
  const graph = dagreGraph(level, sizeOf, measures);
  layOut(graph, { customOrder: order });
  // Each link as the layers and heights that it passes.
  const runs = level.links.map((link, i) => runOf(graph, link, `${i}`));
  const widths = new Map<number, number>();
  const widen = (rank: number, width: number): void => void widths.set(rank, Math.max(widths.get(rank) ?? 0, width));
  for (const item of level.items) widen(rankOf(graph, `${item}`), sizeOf(item).width);
  for (const item of [...level.enter.map((one) => `<${one}`), ...level.leave.map((one) => `>${one}`)]) {
    widen(rankOf(graph, item), 0);
  }
  level.links.forEach((link, i) => {
    const label = measures.label(link);
    const rank = runs[i]!.label;
    if (label && rank !== undefined) widen(rank, label.width);
  });

  // Heights: the centre of a body, for a frame the port.
  const tops = new Map<Item, number>();
  for (const item of level.items) {
    const { height } = sizeOf(item);
    tops.set(item, graph.node(`${item}`).y! - (height + below) / 2);
  }
  const portHeight = (one: End): number => {
    const ports = inner.get(groupOf(one.item))!;
    return tops.get(one.item)! + FRAME.top + (ports.leave.get(one.port!) ?? ports.enter.get(one.port!) ?? 0);
  };
  const heightOf = (one: Link["from"] | Link["to"]): number => {
    if ("enter" in one || "leave" in one) return graph.node(nodeName(one)).y! - below / 2;
    return one.port === undefined ? tops.get(one.item)! + sizeOf(one.item).height / 2 : portHeight(one);
  };
  const starts = level.links.map((link) => heightOf(link.from));
  const ends = spread(level, runs, heightOf, sizeOf, below);

  const ranks = [...widths.keys()].sort((a, b) => a - b);
  const indent = framed && level.enter.length === 0 ? FRAME.left : 0;
  const columns = makeColumns(ranks, widths, runs, starts, ends, below, indent);
  let [least, most] = [Infinity, -Infinity];
  const reach = (top: number, bottom: number): void => {
    least = Math.min(least, top);
    most = Math.max(most, bottom);
  };
  for (const item of level.items) reach(tops.get(item)!, tops.get(item)! + sizeOf(item).height + below);
  runs.forEach((run, i) => {
    for (const { y } of run.passes) reach(y - below / 2 - 6, y - below / 2 + 6);
    reach(starts[i]! - 6, starts[i]! + 6);
  });
  if (least === Infinity) least = most = 0;

  const right = Math.max(0, ...ranks.map((rank) => columns.get(rank)!.right));
  const width = Math.max(right + (framed && level.leave.length === 0 ? FRAME.right : 0), narrowest);
  const at = new Map<Item, Point>();
  for (const item of level.items) {
    const column = columns.get(rankOf(graph, `${item}`))!;
    const x = (column.left + column.right - sizeOf(item).width) / 2;
    at.set(item, { x, y: tops.get(item)! - least });
  }
  const portX = (one: Link["from"] | Link["to"], isEnd: boolean): number => {
    if ("enter" in one) return 0;
    if ("leave" in one) return width;
    return at.get(one.item)!.x + (isEnd ? 0 : sizeOf(one.item).width);
  };
  const wires = level.links.map((link, i): Wire => {
    const run = runs[i]!;
    const back = run.to < run.from;
    const sides = back ? backSides(link, at, sizeOf, width) : [portX(link.from, false), portX(link.to, true)];
    const points: Point[] = [];
    const column = (rank: number, y: number): void => {
      const { left, right } = columns.get(rank)!;
      const ends = [{ x: left, y }, { x: right, y }];
      points.push(...(back ? ends.reverse() : ends));
    };
    const first = columns.get(run.from)!;
    const last = columns.get(run.to)!;
    points.push({ x: sides[0]!, y: starts[i]! - least }, { x: back ? first.left : first.right, y: starts[i]! - least });
    for (const { rank, y } of run.passes) if (columns.has(rank)) column(rank, y - below / 2 - least);
    points.push({ x: back ? last.right : last.left, y: ends[i]! - least }, { x: sides[1]!, y: ends[i]! - least });
    const wire: Wire = { edges: link.edges, points, arrow: "item" in link.to && link.to.port === undefined, framed };
    const label = measures.label(link);
    if (label && run.label !== undefined) {
      const { left, right } = columns.get(run.label)!;
      const pass = run.passes.find(({ rank }) => rank === run.label)!;
      wire.label = { ...label, x: (left + right) / 2, y: pass.y - below / 2 - least };
    }
    return wire;
  });
  return {
    at,
    enter: new Map(level.enter.map((one) => [one, heightOf({ enter: one }) - least])),
    leave: new Map(level.leave.map((one) => [one, heightOf({ leave: one }) - least])),
    wires,
    width,
    height: most - least,
  };
}

function backSides(link: Link, at: Map<Item, Point>, sizeOf: (item: Item) => Size, width: number): number[] {
  const from = "item" in link.from ? at.get(link.from.item)!.x : 0;
  const to = "item" in link.to ? at.get(link.to.item)!.x + sizeOf(link.to.item).width : width;
  return [from, to];
}

type DagreGraph = Graph;

function dagreGraph(level: Level, sizeOf: (item: Item) => Size, measures: Measures): DagreGraph {
  const { below } = measures;
  const crowded = level.items.length > 60;
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: "LR", nodesep: crowded ? 14 : 20, edgesep: crowded ? 8 : 14, ranksep: 20, acyclicer: "greedy",
    ranker: level.items.length > 12 ? "tight-tree" : "network-simplex",
  });
  for (const item of level.items) {
    const { width, height } = sizeOf(item);
    graph.setNode(`${item}`, { width, height: height + below });
  }
  for (const one of level.enter) graph.setNode(`<${one}`, { width: 1, height: PORT + below });
  for (const one of level.leave) graph.setNode(`>${one}`, { width: 1, height: PORT + below });
  const targets = new Set<string>();
  const sources = new Set<string>();
  level.links.forEach((link, i) => {
    const label = measures.label(link);
    const size = label ? { width: label.width, height: label.height + below, labelpos: "c" } : {};
    const [from, to] = [nodeName(link.from), nodeName(link.to)];
    graph.setEdge(from, to, { weight: "enter" in link.from || "leave" in link.to ? 1 : 2, minlen: 1, ...size }, `${i}`);
    targets.add(to);
    sources.add(from);
  });
  // Values from outside stand in the first layer alone, and those that go outside in the last.
  const names = level.items.map((item) => `${item}`);
  if (level.enter.length > 0) {
    graph.setNode("<", { width: 1, height: 1 });
    for (const one of level.enter) graph.setEdge("<", `<${one}`, { weight: 100, minlen: 1 });
    for (const name of names) if (!targets.has(name)) graph.setEdge("<", name, { weight: 0, minlen: 2 });
  } else if (measures.align) {
    graph.setNode("<", { width: 1, height: 1 });
    for (const name of names) if (!targets.has(name)) graph.setEdge("<", name, { weight: 100, minlen: 1 });
  }
  if (level.leave.length > 0) {
    graph.setNode(">", { width: 1, height: 1 });
    for (const one of level.leave) graph.setEdge(`>${one}`, ">", { weight: 100, minlen: 1 });
    for (const name of names) if (!sources.has(name)) graph.setEdge(name, ">", { weight: 0, minlen: 2 });
  }
  return graph;
}

interface Run {
  from: number;
  to: number;
  passes: { rank: number; y: number }[];
  label: number | undefined;
}

function rankOf(graph: DagreGraph, name: string): number {
  return (graph.node(name) as { rank: number }).rank;
}

function runOf(graph: DagreGraph, link: Link, name: string): Run {
  const [from, to] = [nodeName(link.from), nodeName(link.to)];
  const edge = graph.edge(from, to, name) as { points: Point[]; x?: number };
  const [first, last] = [rankOf(graph, from), rankOf(graph, to)];
  const inner = edge.points.slice(1, -1);
  const step = last >= first ? 1 : -1;
  const passes = inner.map(({ y }, i) => ({ rank: first + step * (i + 1), y }));
  const at = edge.x === undefined ? -1 : inner.findIndex(({ x }) => Math.abs(x - edge.x!) < 0.5);
  return { from: first, to: last, passes, label: at < 0 ? undefined : passes[at]!.rank };
}

/** The heights at which links end: several at one body are spread along its side, in the order in which they come. */
function spread(
  level: Level, runs: Run[], heightOf: (one: Link["to"]) => number, sizeOf: (item: Item) => Size, below: number,
): number[] {
  const ends = level.links.map((link) => heightOf(link.to));
  const arriving = new Map<Item, number[]>();
  level.links.forEach(({ to }, i) => {
    if ("item" in to && to.port === undefined) arriving.set(to.item, [...(arriving.get(to.item) ?? []), i]);
  });
  for (const [item, links] of arriving) {
    const before = (i: number): number => {
      const pass = runs[i]!.passes.at(-1);
      return pass ? pass.y - below / 2 : heightOf(level.links[i]!.from as Link["to"]);
    };
    const ordered = [...links].sort((a, b) => before(a) - before(b));
    const step = Math.min(ARROWS, (0.7 * sizeOf(item).height) / Math.max(1, links.length - 1));
    ordered.forEach((link, k) => {
      ends[link]! += (k - (links.length - 1) / 2) * step;
    });
  }
  return ends;
}

/** Where the columns are: a gap is wider where edges have far to go up or down in it. */
function makeColumns(
  ranks: number[], widths: Map<number, number>, runs: Run[], starts: number[], ends: number[], below: number,
  indent: number,
): Map<number, Column> {
  const steepest = new Map<number, number>();
  runs.forEach((run, i) => {
    const stops = [{ rank: run.from, y: starts[i]! }];
    for (const { rank, y } of run.passes) if (widths.has(rank)) stops.push({ rank, y: y - below / 2 });
    stops.push({ rank: run.to, y: ends[i]! });
    for (let k = 1; k < stops.length; k += 1) {
      const rank = Math.max(stops[k - 1]!.rank, stops[k]!.rank);
      steepest.set(rank, Math.max(steepest.get(rank) ?? 0, Math.abs(stops[k]!.y - stops[k - 1]!.y)));
    }
  });
  const columns = new Map<number, Column>();
  let x = indent;
  ranks.forEach((rank, i) => {
    if (i > 0) x += Math.min(WIDEST_GAP, Math.max(GAP, 0.3 * (steepest.get(rank) ?? 0)));
    columns.set(rank, { left: x, right: x + widths.get(rank)! });
    x += widths.get(rank)!;
  });
  return columns;
}

/** All levels in the coordinates of the whole. */
function flatten(levels: Map<number, Level>, placed: Map<number, Placed>, sizeOf: (item: Item) => Size): Scene {
  const boxes: Box[] = [];
  const wires: Wire[] = [];
  const waiting = [{ container: ROOT, x: 0, y: 0, depth: 0 }];
  while (waiting.length > 0) {
    const { container, x, y, depth } = waiting.shift()!;
    const level = placed.get(container)!;
    for (const [item, at] of level.at) {
      const open = isGroup(item) && levels.has(groupOf(item));
      const box = { item, open, depth, x: x + at.x, y: y + at.y, ...sizeOf(item) };
      boxes.push(box);
      if (open) waiting.push({ container: groupOf(item), x: box.x, y: box.y + FRAME.top, depth: depth + 1 });
    }
    for (const wire of level.wires) {
      const moved: Wire = { ...wire, points: wire.points.map((point) => ({ x: point.x + x, y: point.y + y })) };
      if (wire.label) moved.label = { ...wire.label, x: wire.label.x + x, y: wire.label.y + y };
      wires.push(moved);
    }
  }
  const outside = placed.get(ROOT)!;
  return { boxes, wires, width: outside.width, height: outside.height };
}
