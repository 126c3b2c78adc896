/** Pictures made for tests. */

import { type Edge, FORMAT, type Group, type Picture, type PictureNode, VERSION } from "../src/picture.ts";

/** A picture of nodes, each with the numbers of those that it uses, and the group that it is in. */
export function picture(nodes: { uses?: number[]; group?: number; name?: string }[], groups: Group[] = []): Picture {
  const made: PictureNode[] = nodes.map(({ uses, group, name }, i) => ({
    name: name ?? `n${i}`,
    kind: uses ? (i === nodes.length - 1 ? "output" : "operation") : "input",
    operation: uses ? "add" : "input",
    shape: [],
    dtype: "float64",
    value: { text: "1", number: 1 },
    gradient: { text: "1", number: 1 },
    ...(uses && { operands: uses.map((node) => ({ node })), written: uses.map((node) => `n${node}`).join(" + ") }),
    ...(group !== undefined && { group }),
  }));
  const edges: Edge[] = nodes.flatMap(({ uses }, target) =>
    [...new Set(uses ?? [])].map((source) => ({
      source, target, positions: uses!.flatMap((one, i) => (one === source ? [i] : [])),
      rule: 0, partial: { text: "1", number: 1 }, pulled: { text: "1", number: 1 },
    })),
  );
  const output = nodes.length - 1;
  const steps = [
    ...made.flatMap((node, i) => (node.operands ? [{ node: i }] : [])),
    { seed: output },
    ...[...edges.keys()].sort((a, b) => edges[b]!.target - edges[a]!.target || a - b).map((edge) => ({ edge })),
  ];
  return { format: FORMAT, version: VERSION, output, outputs: [output], live: true, nodes: made, edges, groups,
    rules: [{ partial: 1, pulled: { gradient: true } }], steps };
}

/** The same numbers in every run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/** A random graph whose nodes lie in nested groups, neighbours together. */
export function randomPicture(count: number, seed: number): Picture {
  const next = random(seed);
  const groups: Group[] = [
    { kind: "module", label: "outer" }, { kind: "module", label: "first", parent: 0 },
    { kind: "repeat", label: "Block", parent: 0, copies: 3 }, { kind: "copy", label: "1", parent: 2 },
    { kind: "copy", label: "2", parent: 2 }, { kind: "function", label: "loss" },
  ];
  const homes = [undefined, 1, 1, 0, 3, 3, 4, 4, 0, 5, undefined];
  return picture(
    Array.from({ length: count }, (_, i) => {
      const group = homes[Math.floor((i / count) * homes.length)];
      if (i < 2 || next() < 0.15) return group === undefined ? {} : { group };
      const uses = [i - 1 - Math.floor(next() * Math.min(i, 3))];
      if (next() < 0.6) uses.push(Math.floor(next() * i));
      return group === undefined ? { uses } : { uses, group };
    }).map((node, i) => (i === count - 1 ? { uses: [i - 1] } : node)),
    groups,
  );
}
