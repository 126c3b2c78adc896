/** What stands in a box and on an edge, and the room that it takes. */

import { type Run, runs, runsWidth, shortened, textWidth } from "./dom.ts";
import { type Item, type Link, groupOf, isGroup } from "./fold.ts";
import type { Size } from "./layout.ts";
import { count, written } from "./number.ts";
import { isScalar } from "./picture.ts";
import type { State } from "./state.ts";

export const NAME = 14;
export const VALUE = 14;
export const GRADIENT = 12.5;
export const LABEL = 11.5;
const PADDING = 13;
const NARROWEST = 58;

/** Up to so many edges, labels name the partial; with more they give the number only. */
const DETAILED = 14;
const LONGEST = { name: 24, operation: 30, value: 26, detail: 34, label: 16 };

export interface Words {
  name: Run[];
  operation: Run[];
  value: string;
  gradient: Run[];
  /** A gradient of which some is still to come. */
  partial: boolean;
}

/** The words of a node, as far as they are on the board. */
export function nodeWords(state: State, node: number): Words {
  const { picture, board, readings, position } = state;
  const one = picture.nodes[node]!;
  const value = board.hasValue(node, position) ? readings.value(node) : undefined;
  const operation = one.operands && one.written ? ` = ${shortened(one.written, LONGEST.operation)}` : "";
  return {
    name: runs(shortened(one.name, LONGEST.name)),
    operation: runs(operation),
    value: value ? shortened(value.text, LONGEST.value) : "",
    gradient: runs(gradientText(state, node)),
    partial: board.gradientState(node, position) === "part",
  };
}

function gradientText(state: State, node: number): string {
  const { picture, board, readings, position } = state;
  if (picture.output === undefined) return "";
  const gradient = readings.gradient(node);
  const known = board.gradientState(node, position);
  if (!gradient || known === "none") return "";
  const symbol = gradientSymbol(state, node);
  if (known === "part") {
    const sum = board.arrived(node, position).reduce((total, edge) => total + Number(readings.pulled(edge)?.number ?? NaN), 0);
    return isScalar(picture.nodes[node]!) ? `${symbol} = ${written(sum)} + ⋯` : `${symbol} = ⋯`;
  }
  if (gradient.number !== undefined || gradient.text.length <= 18) return `${symbol} = ${gradient.text}`;
  return `‖${symbol}‖ = ${written(Number(gradient.norm))}`;
}

function gradientSymbol(state: State, node: number): string {
  const { picture } = state;
  const output = shortened(picture.nodes[picture.output!]!.name, 12);
  return `∂${output}/∂${shortened(picture.nodes[node]!.name, 16)}`;
}

export interface GroupWords {
  label: string;
  times: string;
  /** The class and sizes of a module, what a body is to its node; empty where the label says it. */
  made: string;
  detail: string;
}

/** The words of a closed group, and of an open one in its frame. */
export function groupWords(state: State, group: number): GroupWords {
  const { kind, label, detail, copies } = state.folding.groups[group]!;
  const size = state.folding.size(group);
  const nodes = `${count(size)} ${size === 1 ? "node" : "nodes"}`;
  const named = kind === "function" ? `${label}()` : kind === "copy" ? `copy ${label}` : label;
  const made = (kind === "module" || kind === "body") && detail && detail !== label ? shortened(detail, LONGEST.detail) : "";
  return { label: shortened(named, LONGEST.name + 6), times: copies ? ` × ${copies}` : "", made, detail: made ? `${made} · ${nodes}` : nodes };
}

/** The label of a link between two nodes: the local partial. */
export function linkLabel(state: State, edges: readonly number[]): string {
  const { picture, readings } = state;
  if (edges.length !== 1) return "";
  const edge = picture.edges[edges[0]!]!;
  const partial = readings.partial(edges[0]!);
  if (partial?.number === undefined) {
    const formula = edge.formula ?? "";
    return formula.length <= LONGEST.label && edge.partial ? formula : "";
  }
  if (picture.edges.length > DETAILED) return partial.text;
  const [target, source] = [picture.nodes[edge.target]!.name, picture.nodes[edge.source]!.name];
  return `∂${shortened(target, 12)}/∂${shortened(source, 12)} = ${partial.text}`;
}

/** The room for what may come to stand in a box: it does not grow and shrink while steps are made. */
export class Rooms {
  private readonly widest = new Map<string, number>();

  constructor(private readonly state: State) {}

  /** A width that never shrinks, and grows in steps: dragging an input must not shake the picture. */
  private steady(key: string, width: number): number {
    const least = this.state.whyNotLive === undefined ? Math.ceil(width / 8) * 8 : width;
    const found = Math.max(least, this.widest.get(key) ?? 0);
    this.widest.set(key, found);
    return found;
  }

  size = (item: Item): Size => {
    if (isGroup(item)) {
      const { label, times, detail } = groupWords(this.state, groupOf(item));
      const heading = textWidth(label, NAME, true) + textWidth(times, NAME);
      return { width: Math.max(heading + 24, textWidth(detail, LABEL), NARROWEST) + 2 * PADDING, height: 50 };
    }
    const { picture, readings } = this.state;
    const node = picture.nodes[item]!;
    const name = runsWidth(runs(shortened(node.name, LONGEST.name)), NAME, true);
    const operation = node.operands && node.written ? ` = ${shortened(node.written, LONGEST.operation)}` : "";
    const value = readings.value(item);
    const gradient = readings.gradient(item);
    const scalar = gradient?.number !== undefined || (gradient?.text.length ?? 99) <= 18;
    const symbol = picture.output === undefined ? "" : gradientSymbol(this.state, item);
    const under = gradient ? `${scalar ? symbol : `‖${symbol}‖`} = ${scalar ? gradient.text : written(Number(gradient.norm))}` : "";
    const width = Math.max(
      name + runsWidth(runs(operation), NAME) + 2 * PADDING,
      (value ? textWidth(shortened(value.text, LONGEST.value), VALUE, true) : 0) + 2 * PADDING,
      under ? runsWidth(runs(under), GRADIENT) + 20 : 0,
      NARROWEST,
    );
    return { width: this.steady(`${item}`, width), height: value ? 50 : 34 };
  };

  label = (link: Link): Size | null => {
    const { from, to, edges } = link;
    if (!("item" in from && "item" in to) || from.port !== undefined || to.port !== undefined) return null;
    if (isGroup(from.item) || isGroup(to.item)) return null;
    const text = linkLabel(this.state, edges);
    if (text === "") return null;
    return { width: this.steady(`e${edges[0]}`, runsWidth(runs(text), LABEL) + 12), height: 18 };
  };

  get below(): number {
    return this.state.picture.output === undefined ? 0 : 24;
  }

  get align(): boolean {
    const { nodes, groups } = this.state.picture;
    return groups.length === 0 && nodes.length <= 24;
  }
}
