/** The chain rule in formulas: what is written on the board at each step, and why a gradient is what it is. */

import {
  EQUALS, type Formula, PLUS, type Tone, TIMES, applied, bracketed, derivative, formula, name, numeral, operandNamed, operator, row,
  weighNumber, words,
} from "./notation.ts";
import { MINUS, written } from "./number.ts";
import type { Neighbours } from "./paths.ts";
import { type Picture, type Value, isScalar, toNumber } from "./picture.ts";
import type { Readings } from "./readings.ts";
import type { Board } from "./steps.ts";

const MOST_PATHS = 6;
const LONGEST_PATH = 12;
const LONGEST_NAME = 24;

export class Chain {
  constructor(
    private readonly picture: Picture,
    private readonly readings: Readings,
    private readonly board: Board,
    private readonly neighbours: Neighbours,
  ) {}

  nameOf = (node: number): string => short(this.picture.nodes[node]?.name ?? "?");

  private d(node: number): Formula {
    return derivative(this.nameOf(this.picture.output!), this.nameOf(node), "gradient");
  }

  private scalar(node: number): boolean {
    return isScalar(this.picture.nodes[node]!);
  }

  /** How a value comes about: d = 2·b = 2·1 = 2. */
  value(node: number): Formula {
    const { operands, operation, params } = this.picture.nodes[node]!;
    const value = this.readings.value(node);
    const head = name(this.nameOf(node));
    const result = this.shown(value, "value");
    if (!operands) return row(head, EQUALS, result);
    const symbolic = applied(operation, operands.map((one) => operandNamed(one, this.nameOf)), params)[0];
    const numbers = operands.every((one) => !("node" in one) || this.scalar(one.node));
    const parts = [head, EQUALS, symbolic];
    if (numbers && operands.length <= 4 && operands.some((one) => "node" in one)) {
      const weighed = operands.map((one) =>
        weighNumber("node" in one ? this.readings.number(one.node)! : toNumber(one.number)),
      );
      parts.push(EQUALS, applied(operation, weighed, params)[0]);
    }
    return value ? row(...parts, EQUALS, result) : row(...parts);
  }

  /** Where the backward pass begins: dL/dL = 1. */
  seed(): Formula {
    return row(this.d(this.picture.output!), EQUALS, numeral("1", "gradient"));
  }

  /** The local partial along an edge as a formula in names, e.g. that of c*e by c is e. */
  private partialFormula(edge: number): Formula | null {
    const { rule, target } = this.picture.edges[edge]!;
    const tree = rule === undefined ? undefined : this.picture.rules[rule]?.partial;
    if (tree === undefined || typeof tree !== "object") return null;
    const operands = this.picture.nodes[target]!.operands ?? [];
    return formula(tree, {
      operand: (place) => operandNamed(operands[place], this.nameOf),
      result: () => [name(this.nameOf(target)), 100],
      gradient: () => [this.d(target), 25],
    })[0];
  }

  /** What arrives along an edge as a formula in names, with the arriving derivative in it. */
  private pulledFormula(edge: number): Formula | null {
    const { rule, target } = this.picture.edges[edge]!;
    const tree = rule === undefined ? undefined : this.picture.rules[rule]?.pulled;
    if (tree === undefined) return null;
    const operands = this.picture.nodes[target]!.operands ?? [];
    return formula(tree, {
      operand: (place) => operandNamed(operands[place], this.nameOf),
      result: () => [name(this.nameOf(target)), 100],
      gradient: () => [this.d(target), 25],
    })[0];
  }

  /** What arrives from a node whose derivative is no short formula. */
  private unwritten(target: number): Formula {
    return row(words(`pullback of ${this.picture.nodes[target]!.operation}`), bracketed(this.d(target)));
  }

  /**
   * What one step backward along an edge gives. Between numbers dL/db = dL/dd * dd/db = -2 * 2 = -4; where several
   * paths come together the sum of what has arrived so far, with dots for what is still to come.
   */
  edge(edge: number, position: number): Formula {
    const { source, target } = this.picture.edges[edge]!;
    const all = this.board.arrivalsOf(source);
    const done = this.board.arrived(source, position);
    const waiting = done.length < all.length;
    const head: Formula[] = [this.d(source), EQUALS];
    if (!done.every((one) => this.numeric(one))) {
      const term = this.pulledFormula(edge) ?? this.unwritten(target);
      const parts = all.length > 1 ? [...head, ...(done.length > 1 ? [operator("⋯"), PLUS] : []), term] : [...head, term];
      if (waiting) parts.push(PLUS, operator("⋯"));
      else if (this.readings.gradient(source)) {
        parts.push(EQUALS, this.shown(this.readings.gradient(source), "gradient"));
      }
      return row(...parts);
    }
    const parts = [...head];
    const numbers: Formula[] = [];
    done.forEach((one, i) => {
      if (i > 0) {
        parts.push(PLUS);
        numbers.push(PLUS);
      }
      parts.push(this.product(one));
      numbers.push(all.length > 1 ? this.term(one, i > 0) : this.factors(one));
    });
    const dots = waiting ? [PLUS, operator("⋯")] : [];
    const isNumber = all.length === 1 && target === this.picture.output && this.partialFormula(edge) === null;
    parts.push(...dots, ...(isNumber ? [] : [EQUALS, ...numbers, ...dots]));
    if (!waiting) {
      const total = this.shown(this.readings.gradient(source), "gradient");
      const same = all.length === 1 && target === this.picture.output;
      if (!same) parts.push(EQUALS, total);
    }
    return row(...parts);
  }

  /** Whether numbers stand at both ends of the edge, and on it. */
  private numeric(edge: number): boolean {
    const { source, target, partial } = this.picture.edges[edge]!;
    return this.scalar(source) && this.scalar(target) && partial?.number !== undefined;
  }

  /** dL/dd * dd/db; at the output itself, where dL/dL is 1, the partial as it is. */
  private product(edge: number): Formula {
    const { source, target } = this.picture.edges[edge]!;
    const local = derivative(this.nameOf(target), this.nameOf(source));
    if (target === this.picture.output) return this.partialFormula(edge) ?? this.shown(this.readings.partial(edge));
    return row(this.d(target), TIMES, local);
  }

  private factors(edge: number): Formula {
    const { target } = this.picture.edges[edge]!;
    const partial = this.number(toNumber(this.readings.partial(edge)?.number), target !== this.picture.output);
    if (target === this.picture.output) return partial;
    return row(this.shown(this.readings.gradient(target), "gradient"), TIMES, partial);
  }

  private term(edge: number, bracket: boolean): Formula {
    return this.number(toNumber(this.readings.pulled(edge)?.number), bracket);
  }

  private number(value: number, bracket: boolean): Formula {
    const text = written(value);
    return text.startsWith(MINUS) && bracket ? bracketed(numeral(text)) : numeral(text);
  }

  /** A number, or what is said of an array. */
  private shown(value: Value | undefined, tone?: Tone): Formula {
    return value?.number !== undefined ? numeral(value.text, tone) : words(value?.text ?? "", tone);
  }

  /** The whole chain rule for a gradient, over all paths; null where they are too many or not of numbers. */
  whole(node: number): Formula | null {
    const { output, nodes, edges } = this.picture;
    if (output === undefined || node === output || nodes[node]?.gradient === undefined) return null;
    const paths = this.neighbours.paths(node, MOST_PATHS, LONGEST_PATH);
    if (paths === null || paths.length === 0) return null;
    const every = paths.every((path) => path.every((edge) => this.numeric(edge)));
    if (!every) return null;
    const symbols: Formula[] = [];
    const numbers: Formula[] = [];
    paths.forEach((path, i) => {
      if (i > 0) {
        symbols.push(PLUS);
        numbers.push(PLUS);
      }
      path.forEach((edge, k) => {
        const { source, target } = edges[edge]!;
        if (k > 0) {
          symbols.push(TIMES);
          numbers.push(TIMES);
        }
        symbols.push(derivative(this.nameOf(target), this.nameOf(source)));
        numbers.push(this.number(toNumber(this.readings.partial(edge)?.number), k > 0 || i > 0));
      });
    });
    const total = this.shown(this.readings.gradient(node), "gradient");
    if (paths.length === 1 && paths[0]!.length === 1) return row(this.d(node), EQUALS, total);
    return row(this.d(node), EQUALS, ...symbols, EQUALS, ...numbers, EQUALS, total);
  }
}

function short(text: string): string {
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
}
