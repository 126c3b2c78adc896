import { describe, expect, it } from "vitest";
import { Folding, MOST_ITEMS, ROOT, groupItem, isGroup } from "../src/fold.ts";
import { Board, visibleSteps } from "../src/steps.ts";
import { Neighbours } from "../src/paths.ts";
import { picture, randomPicture } from "./pictures.ts";

describe("folding", () => {
  it("cuts a long row into parts, none too long", () => {
    const folding = new Folding(picture(Array.from({ length: 10_000 }, (_, i) => (i === 0 ? {} : { uses: [i - 1] }))));
    const waiting = [ROOT];
    let nodes = 0;
    while (waiting.length > 0) {
      const items = folding.items(waiting.pop()!);
      expect(items.length).toBeLessThanOrEqual(MOST_ITEMS);
      for (const item of items) isGroup(item) ? waiting.push(~item) : (nodes += 1);
    }
    expect(nodes).toBe(10_000);
  });

  it("shows each edge between visible places once, and none inside a closed group", () => {
    const made = randomPicture(50, 7);
    const folding = new Folding(made);
    const [level] = folding.levels().values();
    const pairs = new Set(made.edges
      .map(({ source, target }) => [folding.visibleItem(source), folding.visibleItem(target)])
      .filter(([source, target]) => source !== target).map(String));
    expect(level!.links.length).toBe(pairs.size);
  });

  it("leads an edge into an open group through ports", () => {
    const groups = [{ kind: "module" as const, label: "a" }, { kind: "module" as const, label: "b", parent: 0 }];
    const folding = new Folding(picture([{}, { uses: [0], group: 1 }, { uses: [1], group: 0 }, { uses: [1, 2] }], groups));
    folding.open.add(0).add(1);
    const levels = folding.levels();
    expect([...levels.keys()].sort()).toEqual([-1, 0, 1]);
    expect(levels.get(1)!.enter).toEqual([0]);
    expect(levels.get(1)!.leave).toEqual([1]);
    expect(levels.get(0)!.enter).toEqual([0]);
    expect(levels.get(0)!.leave).toEqual([1, 2]);
    expect(levels.get(-1)!.links.map(({ edges }) => edges)).toEqual([[0], [2], [3]]);
  });

  it("reveals what is hidden, and names what hides it", () => {
    const folding = new Folding(randomPicture(40, 1));
    const node = [...folding.nodes(3)][0]!;
    expect(folding.visible(node)).toEqual({ group: 0 });
    expect(folding.reveal(node)).toBe(true);
    expect(folding.visible(node)).toEqual({ node });
    expect(folding.visibleItem(node)).toBe(node);
    folding.toggle(2);
    expect(folding.visibleItem(node)).toBe(groupItem(2));
  });
});

describe("steps", () => {
  const made = picture([{}, {}, { uses: [0, 1] }, { uses: [2, 0] }]);

  it("are the picture's own where nothing is folded", () => {
    const shown = visibleSteps(made, new Folding(made));
    expect(shown.map(({ step }) => step)).toEqual(made.steps);
  });

  it("inside a closed group are one", () => {
    const folded = picture([{}, { uses: [0], group: 0 }, { uses: [1], group: 0 }, { uses: [2], group: 0 }, { uses: [3] }],
      [{ kind: "module", label: "inner" }]);
    const shown = visibleSteps(folded, new Folding(folded));
    expect(shown.map(({ phase, from, to, group }) => [phase, to - from, group])).toEqual([
      ["forward", 3, 0], ["forward", 1, undefined], ["seed", 1, undefined], ["backward", 1, 0], ["backward", 2, 0], ["backward", 1, 0],
    ]);
  });

  it("bring a gradient in parts, along one path after the other", () => {
    const board = new Board(made);
    const seed = made.steps.findIndex((step) => "seed" in step);
    expect(board.gradientState(0, seed + 1)).toBe("none");
    expect(board.gradientState(3, seed + 1)).toBe("whole");
    const states = Array.from({ length: 5 }, (_, i) => board.gradientState(0, seed + 1 + i));
    expect(states[0]).toBe("none");
    expect(states).toContain("part");
    expect(states.at(-1)).toBe("whole");
    expect(board.hasValue(2, 0)).toBe(false);
    expect(board.hasValue(0, 0)).toBe(true);
  });
});

describe("paths", () => {
  const made = picture([{}, { uses: [0] }, { uses: [0, 1] }, { uses: [] , name: "apart" }, { uses: [2, 1] }]);
  const neighbours = new Neighbours(made);

  it("are all found, from the output to the node", () => {
    const paths = neighbours.paths(0, 8, 8)!;
    expect(paths.map((path) => path.map((edge) => `${made.edges[edge]!.source}-${made.edges[edge]!.target}`).join(" ")).sort())
      .toEqual(["1-4 0-1", "2-4 0-2", "2-4 1-2 0-1"]);
  });

  it("are given up where they are too many", () => {
    const ladder = picture(Array.from({ length: 60 }, (_, i) => (i === 0 ? {} : { uses: [i - 1, Math.max(0, i - 2)] })));
    expect(new Neighbours(ladder).paths(0, 6, 12)).toBeNull();
  });

  it("lead nowhere from what the output does not depend on", () => {
    expect(neighbours.ways(3).edges.size).toBe(0);
    expect([...neighbours.ways(1).nodes].sort()).toEqual([1, 2, 4]);
  });
});
