import { describe, expect, it } from "vitest";
import { Folding, isGroup } from "../src/fold.ts";
import { type Box, Layouter, type Measures, type Scene, type Wire } from "../src/layout.ts";
import type { Picture } from "../src/picture.ts";
import { picture, randomPicture } from "./pictures.ts";

const BELOW = 24;

function measures(align = false): Measures {
  return {
    size: (item) => (isGroup(item) ? { width: 110, height: 50 } : { width: 60 + (item % 5) * 22, height: 50 }),
    label: (link) => ("item" in link.from && "item" in link.to && link.from.port === undefined && link.to.port === undefined
      && !isGroup(link.from.item) && !isGroup(link.to.item) ? { width: 40, height: 18 } : null),
    below: BELOW,
    align,
  };
}

function sceneOf(made: Picture, open: number[], align = false): Scene {
  const folding = new Folding(made);
  for (const group of open) folding.open.add(group);
  return new Layouter(folding).scene(measures(align));
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height + BELOW && b.y < a.y + a.height + BELOW;
const inside = (a: Box, b: Box): boolean =>
  a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height + BELOW <= b.y + b.height + BELOW;

/** Points along a wire: straight inside pairs, curved between them as the page draws it. */
function* along({ points }: Wire): Generator<[number, number]> {
  for (let i = 1; i < points.length; i += 1) {
    const [from, to] = [points[i - 1]!, points[i]!];
    for (let k = 0; k <= 20; k += 1) {
      const t = k / 20;
      const x = from.x + (to.x - from.x) * (1.5 * t * (1 - t) * (1 - t) + 1.5 * t * t * (1 - t) + t * t * t);
      yield [x, from.y + (to.y - from.y) * (3 * t * t * (1 - t) + t * t * t)];
    }
  }
}

function crossed(scene: Scene): string[] {
  const leaves = scene.boxes.filter(({ open }) => !open);
  const found: string[] = [];
  for (const wire of scene.wires) for (const [x, y] of along(wire)) for (const box of leaves) {
    const within = x > box.x + 1 && x < box.x + box.width - 1 && y > box.y + 1 && y < box.y + box.height - 1;
    if (within) found.push(`edges ${wire.edges} through ${box.item}`);
  }
  return [...new Set(found)];
}

describe("the layout", () => {
  const cases = [[8, 1], [25, 2], [60, 3], [100, 4]] as const;

  it.each(cases)("keeps %i nodes apart, and edges off them, closed and open (%i)", (count, seed) => {
    const made = randomPicture(count, seed);
    for (const open of [[], [0], [0, 1], [0, 2, 3], [0, 1, 2, 3, 4, 5]]) {
      const scene = sceneOf(made, open);
      scene.boxes.forEach((a, i) => scene.boxes.slice(i + 1).forEach((b) => {
        const nested = (a.open && inside(b, a)) || (b.open && inside(a, b));
        expect(overlap(a, b) && !nested, `${a.item} and ${b.item}`).toBe(false);
      }));
      expect(crossed(scene)).toEqual([]);
    }
  });

  it("runs left to right, and gives labels a place of their own", () => {
    const scene = sceneOf(picture([{}, {}, { uses: [0, 1] }, { uses: [2, 0] }]), []);
    const at = new Map(scene.boxes.map((box) => [box.item, box]));
    expect(at.get(0)!.x + at.get(0)!.width).toBeLessThan(at.get(2)!.x);
    for (const wire of scene.wires) {
      const { x, y, width, height } = wire.label!;
      expect(scene.boxes.some((box) => overlap(box, { ...box, x: x - width / 2, y: y - height / 2, width, height: height - BELOW }))).toBe(false);
    }
  });

  it("puts what is given into the first column, where it is asked to", () => {
    const scene = sceneOf(picture([{}, {}, {}, { uses: [0, 1] }, { uses: [3] }, { uses: [4, 2] }]), [], true);
    const left = scene.boxes.filter(({ item }) => item < 3).map(({ x, width }) => x + width / 2);
    expect(Math.max(...left) - Math.min(...left)).toBeLessThan(0.01);
  });

  it("ends wires at the sides of what they connect", () => {
    const scene = sceneOf(randomPicture(40, 9), [0, 1, 5]);
    const boxes = scene.boxes.filter(({ open }) => !open);
    for (const wire of scene.wires.filter(({ arrow }) => arrow)) {
      const { x, y } = wire.points.at(-1)!;
      expect(boxes.some((box) => Math.min(Math.abs(box.x - x), Math.abs(box.x + box.width - x)) < 0.01 && y >= box.y && y <= box.y + box.height)).toBe(true);
    }
  });

  it("goes around: groups that use each other", () => {
    const groups = [{ kind: "module" as const, label: "a" }, { kind: "module" as const, label: "b" }];
    const made = picture([{}, { uses: [0], group: 0 }, { uses: [1], group: 1 }, { uses: [2], group: 0 }, { uses: [3] }], groups);
    const scene = sceneOf(made, []);
    expect(scene.boxes.length).toBe(4);
    expect(crossed(scene)).toEqual([]);
  });

  it("lays out only what has changed", () => {
    const folding = new Folding(randomPicture(60, 5));
    const layouter = new Layouter(folding);
    const first = layouter.scene(measures());
    folding.toggle(0);
    folding.toggle(0);
    expect(layouter.scene(measures())).toEqual(first);
  });
});
