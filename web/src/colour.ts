/** Colour by a measure: what is large, what is small, what is no number. */

import type { Folding, Item } from "./fold.ts";
import { groupOf, isGroup } from "./fold.ts";
import { bytes, count, duration, written } from "./number.ts";
import { type Picture, type Value, toNumber } from "./picture.ts";
import type { Readings } from "./readings.ts";

export type Mode = "kind" | "range" | "gradient" | "finite" | "memory" | "time" | "flops";

export const MODES: Record<Mode, string> = {
  kind: "kind of node",
  range: "largest value",
  gradient: "gradient",
  finite: "NaN and inf",
  memory: "memory",
  time: "time",
  flops: "arithmetic",
};

type Ramp = readonly (readonly [number, number, number])[];

/** From small to large, for light and for dark surroundings; text can be read on all of them. */
const RAMPS: Record<"light" | "dark", Record<"gradient" | "other", Ramp>> = {
  light: {
    gradient: [[247, 248, 250], [253, 232, 226], [247, 184, 170], [238, 122, 108]],
    other: [[247, 248, 250], [222, 236, 244], [166, 204, 226], [104, 166, 206]],
  },
  dark: {
    gradient: [[30, 36, 46], [66, 38, 42], [116, 48, 48], [172, 60, 54]],
    other: [[30, 36, 46], [28, 52, 74], [30, 80, 118], [32, 108, 164]],
  },
};

const NOT_FINITE = { light: "#ffd23f", dark: "#b98a00" };

/** How large a value is at its largest. */
export function largest(value: Value | undefined): number {
  if (!value) return NaN;
  if (value.number !== undefined) return Math.abs(toNumber(value.number));
  return Math.max(Math.abs(toNumber(value.low)), Math.abs(toNumber(value.high)));
}

/** The norm of a value. */
export function norm(value: Value | undefined): number {
  if (!value) return NaN;
  return value.number !== undefined ? Math.abs(toNumber(value.number)) : toNumber(value.norm);
}

/** Whether something in a value is not finite. */
export function isStrange(value: Value | undefined): boolean {
  if (!value) return false;
  if ((value.nan ?? 0) + (value.inf ?? 0) > 0) return true;
  return value.number !== undefined && !Number.isFinite(toNumber(value.number));
}

export class Colours {
  private readonly cache = new Map<string, number>();
  private domain: [number, number] | null = null;
  private domainMode: Mode | null = null;

  constructor(
    private readonly picture: Picture,
    private readonly folding: Folding,
    private readonly readings: Readings,
  ) {}

  /** The modes for which the picture has numbers. */
  available(): Mode[] {
    const { nodes } = this.picture;
    const has: Record<Mode, boolean> = {
      kind: true,
      range: nodes.some((node) => node.value !== undefined && node.operands !== undefined),
      gradient: nodes.some((node) => node.gradient !== undefined),
      finite: nodes.some((node) => node.value !== undefined),
      memory: nodes.some((node) => (node.memory ?? 0) > 0),
      time: nodes.some((node) => node.seconds !== undefined),
      flops: nodes.some((node) => (node.flops ?? 0) > 0),
    };
    return (Object.keys(MODES) as Mode[]).filter((mode) => has[mode]);
  }

  /** Forget what was measured: values have changed. */
  forget(): void {
    this.cache.clear();
    this.domainMode = null;
  }

  private ofNode(node: number, mode: Mode): number {
    const one = this.picture.nodes[node]!;
    switch (mode) {
      case "kind":
        return NaN;
      case "range":
        return largest(this.readings.value(node));
      case "gradient":
        return norm(this.readings.gradient(node));
      case "finite":
        return isStrange(this.readings.value(node)) || isStrange(this.readings.gradient(node)) ? 1 : 0;
      case "memory":
        return one.memory ?? NaN;
      case "time":
        return one.seconds ?? NaN;
      case "flops":
        return one.flops ?? NaN;
    }
  }

  /** The measure of an item: of a group the sum of what is used, the largest of all else. */
  measure(item: Item, mode: Mode): number {
    const key = `${mode} ${item}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    let found = NaN;
    if (isGroup(item)) {
      const adds = mode === "memory" || mode === "time" || mode === "flops";
      for (const node of this.folding.nodes(groupOf(item))) {
        const one = this.ofNode(node, mode);
        if (Number.isNaN(one)) continue;
        found = Number.isNaN(found) ? one : adds ? found + one : Math.max(found, one);
      }
    } else {
      found = this.ofNode(item, mode);
    }
    this.cache.set(key, found);
    return found;
  }

  /** The least and the largest measure of what is visible, on a scale of powers of ten. */
  range(items: Iterable<Item>, mode: Mode): [number, number] {
    if (this.domain && this.domainMode === mode) return this.domain;
    let [low, high] = [Infinity, 0];
    for (const item of items) {
      const one = this.measure(item, mode);
      if (!(one > 0) || one === Infinity) continue;
      low = Math.min(low, one);
      high = Math.max(high, one);
    }
    if (high === 0) [low, high] = [1, 1];
    if (mode === "gradient" || mode === "range") low = Math.max(low, high * 1e-12);
    this.domain = [low, high];
    this.domainMode = mode;
    return this.domain;
  }

  /** The colour of an item; null for that of its kind. */
  of(item: Item, mode: Mode, domain: [number, number], theme: "light" | "dark"): string | null {
    if (mode === "kind") return null;
    const measure = this.measure(item, mode);
    if (mode === "finite") return measure > 0 ? NOT_FINITE[theme] : null;
    if (Number.isNaN(measure)) return null;
    if (measure === Infinity) return NOT_FINITE[theme];
    return ramp(position(measure, domain), mode, theme);
  }
}

/** Where a measure stands between the least and the largest: 0 to 1, by powers of ten. */
export function position(measure: number, [low, high]: [number, number]): number {
  if (!(measure > 0)) return 0;
  if (low === high) return 1;
  return Math.min(1, Math.max(0, Math.log(measure / low) / Math.log(high / low)));
}

/** The colour at a place between 0 and 1. */
export function ramp(at: number, mode: Mode, theme: "light" | "dark"): string {
  const stops = RAMPS[theme][mode === "gradient" ? "gradient" : "other"];
  const scaled = at * (stops.length - 1);
  const below = Math.min(Math.floor(scaled), stops.length - 2);
  const [from, to] = [stops[below]!, stops[below + 1]!];
  const mixed = from.map((one, i) => Math.round(one + (to[i]! - one) * (scaled - below)));
  return `rgb(${mixed.join(",")})`;
}

/** A measure in words. */
export function inWords(measure: number, mode: Mode): string {
  if (mode === "memory") return bytes(measure);
  if (mode === "time") return duration(measure);
  if (mode === "flops") return count(Math.round(measure));
  return written(measure, 2);
}
