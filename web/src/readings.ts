/** The numbers that are shown: the picture's own, or the page's once an input has been changed. */

import type { Evaluator } from "./evaluator.ts";
import { written } from "./number.ts";
import { type Picture, type Value, isScalar, toNumber } from "./picture.ts";

export class Readings {
  private changed = false;

  constructor(
    private readonly picture: Picture,
    readonly evaluator: Evaluator | null,
  ) {}

  /** Whether an input differs from what pullback was given. */
  get isChanged(): boolean {
    return this.changed;
  }

  /** Set an input, and evaluate everything anew. */
  set(node: number, value: number): void {
    this.evaluator?.set(node, value);
    this.changed = true;
  }

  /** Go back to the values that pullback was given. */
  reset(): void {
    if (this.evaluator === null) return;
    this.picture.nodes.forEach((node, i) => {
      if (!node.operands) this.evaluator!.values[i] = toNumber(node.value?.number);
    });
    this.evaluator.run();
    this.changed = false;
  }

  value(node: number): Value | undefined {
    const own = this.picture.nodes[node]?.value;
    return this.read(own, () => this.evaluator!.values[node]!);
  }

  gradient(node: number): Value | undefined {
    const own = this.picture.nodes[node]?.gradient;
    return this.read(own, () => this.evaluator!.gradients[node]!);
  }

  partial(edge: number): Value | undefined {
    return this.read(this.picture.edges[edge]?.partial, () => this.evaluator!.partials[edge]!);
  }

  pulled(edge: number): Value | undefined {
    return this.read(this.picture.edges[edge]?.pulled, () => this.evaluator!.pulled[edge]!);
  }

  private read(own: Value | undefined, live: () => number): Value | undefined {
    if (own === undefined || own.number === undefined) return own;
    if (typeof own.number === "boolean") {
      const truth = this.changed ? live() !== 0 : own.number;
      return truth === own.number ? own : { text: truth ? "True" : "False", number: truth };
    }
    const number = this.changed ? live() : toNumber(own.number);
    return { text: written(number), full: written(number, 6), number };
  }

  /** The number of a scalar node. */
  number(node: number): number | undefined {
    const one = this.picture.nodes[node];
    return one && isScalar(one) ? toNumber(this.value(node)?.number) : undefined;
  }
}
