/** What of a graph is visible: groups that are closed hide what is in them, groups that are open show it in a frame. */

import type { Group, Picture } from "./picture.ts";
import { count } from "./number.ts";

/** What stands in a level: a node by its number, or a group as the complement of its number. */
export type Item = number;
export const groupItem = (group: number): Item => ~group;
export const isGroup = (item: Item): boolean => item < 0;
export const groupOf = (item: Item): number => ~item;

/** The outside of all groups. */
export const ROOT = -1;

/** A level with more items than these is cut into parts. */
export const MOST_ITEMS = 120;

/** Where a link ends: at an item, or inside an open group at the port for the value of ``port``. */
export interface End {
  item: Item;
  port?: Item;
}

/** The ports of a level stand for values from outside, and for values that are used outside. */
export interface Link {
  from: End | { enter: Item };
  to: End | { leave: Item };
  edges: number[];
}

export interface Level {
  container: number;
  items: Item[];
  enter: Item[];
  leave: Item[];
  links: Link[];
}

export class Folding {
  readonly groups: Group[];
  readonly open = new Set<number>();
  private readonly home: Int32Array;
  private readonly contents = new Map<number, Item[]>();
  private readonly sizes: number[];
  private readonly firsts: number[];

  constructor(private readonly picture: Picture) {
    this.groups = picture.groups.map((group) => ({ ...group }));
    this.home = Int32Array.from(picture.nodes, (node) => node.group ?? ROOT);
    this.fill();
    this.cut();
    this.sizes = this.groups.map(() => 0);
    this.firsts = this.groups.map(() => -1);
    picture.nodes.forEach((_, node) => {
      for (const group of this.ancestors(node)) {
        this.sizes[group]! += 1;
        if (this.firsts[group]! < 0) this.firsts[group] = node;
      }
    });
  }

  /** The items of each group, in the order in which they first come. */
  private fill(): void {
    const seen = new Set<number>();
    this.picture.nodes.forEach((_, node) => {
      let item: Item = node;
      let container = this.home[node]!;
      for (;;) {
        const items = this.contents.get(container) ?? [];
        if (items.length === 0) this.contents.set(container, items);
        items.push(item);
        if (container === ROOT || seen.has(container)) break;
        seen.add(container);
        item = groupItem(container);
        container = this.parent(container);
      }
    });
  }

  /** Cut levels that are too long to be looked at, or laid out, into parts. */
  private cut(): void {
    const waiting = [...this.contents.keys()];
    while (waiting.length > 0) {
      const container = waiting.pop()!;
      const items = this.contents.get(container)!;
      if (items.length <= MOST_ITEMS) continue;
      const length = Math.min(MOST_ITEMS, Math.ceil(Math.sqrt(items.length)));
      const parts: Item[] = [];
      for (let start = 0; start < items.length; start += length) {
        const own = items.slice(start, start + length);
        const part = this.groups.length;
        const label = `${count(start + 1)} – ${count(start + own.length)} of ${count(items.length)}`;
        this.groups.push({ kind: "part", label, ...(container === ROOT ? {} : { parent: container }) });
        for (const item of own) {
          if (isGroup(item)) this.groups[groupOf(item)]!.parent = part;
          else this.home[item] = part;
        }
        this.contents.set(part, own);
        parts.push(groupItem(part));
      }
      this.contents.set(container, parts);
      waiting.push(container);
    }
  }

  /** Open groups from the outside while no more than so many items would be seen; what is repeated stays closed
   *  unless it is all there is. */
  openFirst(most: number): void {
    const waiting = [...this.items(ROOT)];
    let seen = waiting.length;
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      if (!isGroup(item)) continue;
      const group = groupOf(item);
      const { kind } = this.groups[group]!;
      const more = this.items(group).length - 1;
      const long = kind === "repeat" || kind === "copy" || kind === "part";
      if ((long && seen > 1) || seen + more > most) continue;
      this.open.add(group);
      seen += more;
      waiting.push(...this.items(group));
    }
  }

  parent(group: number): number {
    return this.groups[group]?.parent ?? ROOT;
  }

  /** The items of a group, or of the outside. */
  items(container: number): readonly Item[] {
    return this.contents.get(container) ?? [];
  }

  /** How many nodes are in the group, at any depth. */
  size(group: number): number {
    return this.sizes[group] ?? 0;
  }

  /** The nodes in a group, at any depth. */
  *nodes(group: number): Generator<number> {
    const waiting: Item[] = [groupItem(group)];
    while (waiting.length > 0) {
      const item = waiting.pop()!;
      if (isGroup(item)) waiting.push(...this.items(groupOf(item)).toReversed());
      else yield item;
    }
  }

  /** The groups that a node is in, from the inside. */
  *ancestors(node: number): Generator<number> {
    for (let group = this.home[node]!; group !== ROOT; group = this.parent(group)) yield group;
  }

  /** The groups that an item is in, from the inside. */
  *containers(item: Item): Generator<number> {
    let group = isGroup(item) ? this.parent(groupOf(item)) : this.home[item]!;
    for (; group !== ROOT; group = this.parent(group)) yield group;
  }

  /** What of a node is visible: itself, or the outermost closed group that it is in. */
  visible(node: number): { node?: number; group?: number } {
    let closed: number | undefined;
    for (const group of this.ancestors(node)) if (!this.open.has(group)) closed = group;
    return closed === undefined ? { node } : { group: closed };
  }

  visibleItem(node: number): Item {
    const { group } = this.visible(node);
    return group === undefined ? node : groupItem(group);
  }

  /** Open all groups that an item is in. */
  reveal(item: Item): boolean {
    let changed = false;
    for (const group of this.containers(item)) {
      changed ||= !this.open.has(group);
      this.open.add(group);
    }
    return changed;
  }

  toggle(group: number): void {
    if (!this.open.delete(group)) this.open.add(group);
  }

  /** The containers that a visible item stands in, from the outside, and the item. */
  private chain(item: Item): Item[] {
    return [...this.containers(item)].reverse().map(groupItem).concat(item);
  }

  /** The outside and every open group that is visible, each with what stands in it and how it is linked. */
  levels(): Map<number, Level> {
    const levels = new Map<number, Level>();
    const waiting = [ROOT];
    while (waiting.length > 0) {
      const container = waiting.pop()!;
      const items = [...this.items(container)];
      levels.set(container, { container, items, enter: [], leave: [], links: [] });
      for (const item of items) if (isGroup(item) && this.open.has(groupOf(item))) waiting.push(groupOf(item));
    }
    const links = new Map<string, Link>();
    const chains = new Map<Item, Item[]>();
    const chainOf = (item: Item): Item[] => {
      const chain = chains.get(item) ?? this.chain(item);
      chains.set(item, chain);
      return chain;
    };
    const shown = this.picture.nodes.map((_, node) => this.visibleItem(node));
    const add = (container: number, from: Link["from"], to: Link["to"], edge: number): void => {
      const key = `${container}:${endKey(from)}>${endKey(to)}`;
      const known = links.get(key);
      if (known) {
        known.edges.push(edge);
        return;
      }
      const link: Link = { from, to, edges: [edge] };
      links.set(key, link);
      const level = levels.get(container)!;
      level.links.push(link);
      if ("enter" in from && !level.enter.includes(from.enter)) level.enter.push(from.enter);
      if ("leave" in to && !level.leave.includes(to.leave)) level.leave.push(to.leave);
    };
    this.picture.edges.forEach((edge, i) => {
      const source = shown[edge.source]!;
      const target = shown[edge.target]!;
      if (source === target) return;
      const left = chainOf(source);
      const right = chainOf(target);
      let common = 0;
      while (left[common] === right[common]) common += 1;
      const container = common === 0 ? ROOT : groupOf(left[common - 1]!);
      add(container, end(left, common, source), end(right, common, source), i);
      for (let depth = common; depth < left.length - 1; depth += 1) {
        add(groupOf(left[depth]!), end(left, depth + 1, source), { leave: source }, i);
      }
      for (let depth = common; depth < right.length - 1; depth += 1) {
        add(groupOf(right[depth]!), { enter: source }, end(right, depth + 1, source), i);
      }
    });
    return levels;
  }
}

function end(chain: readonly Item[], depth: number, port: Item): End {
  return depth === chain.length - 1 ? { item: chain[depth]! } : { item: chain[depth]!, port };
}

export function endKey(one: Link["from"] | Link["to"]): string {
  if ("enter" in one) return `<${one.enter}`;
  if ("leave" in one) return `${one.leave}>`;
  return one.port === undefined ? `${one.item}` : `${one.item}/${one.port}`;
}
