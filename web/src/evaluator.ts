/** The page's own evaluation of a graph of numbers: forward, and backward by the rules that the picture brings along. */

import { meaning } from "./arithmetic.ts";
import { type Picture, type Tree, toNumber } from "./picture.ts";

type Compiled = (node: Numbers, operands: readonly Operand[], target: number, gradient: number) => number;
type Operand = { node: number } | { number: number };
type Numbers = Float64Array;

/** Why the page cannot evaluate a picture by itself, in words; undefined if it can. */
export function whyNotLive(picture: Picture): string | undefined {
  if (picture.live !== true) return picture.whyNotLive ?? "the graph is not one of single numbers";
  const unknown = unknownOperations(picture);
  if (unknown.length === 0) return undefined;
  return `this page does not know how to compute ${unknown.slice(0, 5).join(", ")}${unknown.length > 5 ? " and more" : ""}`;
}

/** The operations that the page would have to know to evaluate a picture. */
export function unknownOperations(picture: Picture): string[] {
  const missing = new Set<string>();
  const look = (operation: string, params: Record<string, unknown> | undefined): void => {
    if (meaning(operation) === undefined || !isPlain(params)) missing.add(operation);
  };
  const walk = (tree: Tree | undefined): void => {
    if (tree === undefined || typeof tree !== "object" || !("operation" in tree)) return;
    look(tree.operation, tree.params);
    tree.operands.forEach(walk);
  };
  for (const node of picture.nodes) if (node.operands) look(node.operation, node.params);
  for (const edge of picture.edges) if (edge.rule !== undefined) {
    walk(picture.rules[edge.rule]?.pulled);
    walk(picture.rules[edge.rule]?.partial);
  }
  return [...missing];
}

/** Whether the keywords of an operation leave it what it is for a single number. */
function isPlain(params: Record<string, unknown> | undefined): boolean {
  return Object.entries(params ?? {}).every(
    ([name, value]) => (Array.isArray(value) && value.length === 0) || (name === "dtype" && value === "float64"),
  );
}

/** A graph of numbers that can be evaluated again and again. */
export class Evaluator {
  readonly values: Numbers;
  readonly gradients: Numbers;
  /** By edge: the local partial, and what arrives along it at its source; NaN where nothing goes along it. */
  readonly partials: Numbers;
  readonly pulled: Numbers;
  private readonly operands: Operand[][];
  private readonly arriving: number[][];
  private readonly rules: { partial: Compiled | null; pulled: Compiled | null }[];

  constructor(private readonly picture: Picture) {
    const { nodes, edges } = picture;
    this.values = Float64Array.from(nodes, (node) => toNumber(node.value?.number));
    this.gradients = new Float64Array(nodes.length);
    this.partials = new Float64Array(edges.length).fill(NaN);
    this.pulled = new Float64Array(edges.length).fill(NaN);
    this.operands = nodes.map((node) =>
      (node.operands ?? []).map((one) => ("node" in one ? one : { number: toNumber(one.number) })),
    );
    this.arriving = nodes.map(() => []);
    edges.forEach((edge, i) => {
      if (edge.rule !== undefined) this.arriving[edge.target]?.push(i);
    });
    this.rules = picture.rules.map(({ partial, pulled }) => ({
      partial: partial === undefined ? null : compile(partial),
      pulled: pulled === undefined ? null : compile(pulled),
    }));
    this.run();
  }

  /** Set the value of an input, and evaluate everything. */
  set(node: number, value: number): void {
    this.values[node] = value;
    this.run();
  }

  /** Go forward through all nodes, then backward from the output. */
  run(): void {
    const { nodes, output } = this.picture;
    const { values } = this;
    nodes.forEach((node, i) => {
      if (node.operands) values[i] = meaning(node.operation)!(...this.operands[i]!.map((one) => read(one, values)));
    });
    if (output !== undefined) this.backward(output);
  }

  private backward(output: number): void {
    const { edges } = this.picture;
    const { gradients } = this;
    gradients.fill(0);
    gradients[output] = 1;
    const reached = new Set([output]);
    for (let target = output; target >= 0; target -= 1) {
      if (!reached.has(target)) continue;
      for (const i of this.arriving[target]!) {
        const edge = edges[i]!;
        const rule = this.rules[edge.rule!]!;
        const partial = rule.partial?.(this.values, this.operands[target]!, target, NaN);
        const pulled = rule.pulled?.(this.values, this.operands[target]!, target, gradients[target]!) ?? 0;
        this.partials[i] = partial ?? NaN;
        this.pulled[i] = pulled;
        gradients[edge.source]! += pulled;
        reached.add(edge.source);
      }
    }
  }
}

function read(operand: Operand, values: Numbers): number {
  return "node" in operand ? values[operand.node]! : operand.number;
}

/** A formula as a function; deep formulas do not occur, pullback keeps them to a few parts. */
function compile(tree: Tree): Compiled {
  if (typeof tree !== "object") {
    const value = toNumber(tree);
    return () => value;
  }
  if ("operand" in tree) {
    const place = tree.operand;
    return (values, operands) => read(operands[place]!, values);
  }
  if ("result" in tree) return (values, _, target) => values[target]!;
  if ("gradient" in tree) return (_, __, ___, gradient) => gradient;
  const apply = meaning(tree.operation)!;
  const parts = tree.operands.map(compile);
  return (...given) => apply(...parts.map((part) => part(...given)));
}
