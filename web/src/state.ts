/** What is being looked at, and who wants to know when that changes. */

import { Chain } from "./chain.ts";
import { Colours, type Mode } from "./colour.ts";
import { Evaluator, whyNotLive } from "./evaluator.ts";
import { type Finding, examine } from "./health.ts";
import { Folding, type Item, groupItem, groupOf, isGroup } from "./fold.ts";
import { type Formula } from "./notation.ts";
import { Neighbours } from "./paths.ts";
import type { Picture } from "./picture.ts";
import { Readings } from "./readings.ts";
import { Board, type Shown, visibleSteps } from "./steps.ts";

/** What has changed: what is visible, the step, the selection, the numbers, the colours. */
export type Topic = "fold" | "step" | "select" | "values" | "colour" | "play";

const PACE = 1400; // milliseconds for a step; long formulas need time to be read

/** How much is seen when the page opens. */
const MOST_AT_FIRST = 28;

export class State {
  readonly folding: Folding;
  readonly readings: Readings;
  readonly board: Board;
  readonly neighbours: Neighbours;
  readonly chain: Chain;
  readonly colours: Colours;
  readonly findings: Finding[];
  /** Why the page cannot evaluate the picture by itself; undefined if it can. */
  readonly whyNotLive: string | undefined;
  steps: Shown[];
  selected: Item | null = null;
  mode: Mode = "kind";
  theme: "light" | "dark" = "light";
  private at: number;
  private timer: number | undefined;
  private readonly listeners: { topics: readonly Topic[]; run: (topic: Topic) => void }[] = [];

  constructor(readonly picture: Picture) {
    this.folding = new Folding(picture);
    this.folding.openFirst(MOST_AT_FIRST);
    this.whyNotLive = whyNotLive(picture);
    this.readings = new Readings(picture, this.whyNotLive === undefined ? new Evaluator(picture) : null);
    this.board = new Board(picture);
    this.neighbours = new Neighbours(picture);
    this.chain = new Chain(picture, this.readings, this.board, this.neighbours);
    this.colours = new Colours(picture, this.folding, this.readings);
    this.findings = examine(picture);
    this.steps = visibleSteps(picture, this.folding);
    this.at = this.last;
  }

  on(topics: readonly Topic[], run: (topic: Topic) => void): void {
    this.listeners.push({ topics, run });
  }

  private tell(topic: Topic): void {
    for (const { topics, run } of this.listeners) if (topics.includes(topic)) run(topic);
  }

  // Steps: 0 is the given inputs, 1 to n are steps, n + 1 is the whole picture. --------------------------------------

  get last(): number {
    return this.steps.length === 0 ? 0 : this.steps.length + 1;
  }

  get step(): number {
    return this.at;
  }

  /** The step that is being made; undefined before the first, and when all is done. */
  get current(): Shown | undefined {
    return this.steps[this.at - 1];
  }

  /** How many of the picture's steps are done. */
  get position(): number {
    if (this.at >= this.last) return this.picture.steps.length;
    return this.at === 0 ? 0 : this.steps[this.at - 1]!.to;
  }

  goTo(step: number): void {
    const next = Math.max(0, Math.min(this.last, Math.round(step)));
    if (next === this.at) return;
    this.at = next;
    this.tell("step");
    if (this.at === this.last) this.pause();
  }

  get playing(): boolean {
    return this.timer !== undefined;
  }

  play(): void {
    if (this.playing || this.last === 0) return;
    if (this.at === this.last) this.goTo(0);
    this.timer = window.setInterval(() => this.goTo(this.at + 1), PACE);
    this.tell("play");
  }

  pause(): void {
    if (!this.playing) return;
    window.clearInterval(this.timer);
    this.timer = undefined;
    this.tell("play");
  }

  /** The formula of the step that is being made. */
  formula(): Formula | null {
    const step = this.current?.step;
    if (!step) return null;
    if ("node" in step) return this.chain.value(step.node);
    return "seed" in step ? this.chain.seed() : this.chain.edge(step.edge, this.position);
  }

  // What is visible ------------------------------------------------------------------------------------------------

  toggle(group: number): void {
    this.refold(() => this.folding.toggle(group));
  }

  /** Open everything that hides an item, and select it. */
  show(item: Item): void {
    const hidden = [...this.folding.containers(item)].some((group) => !this.folding.open.has(group));
    if (hidden) this.refold(() => this.folding.reveal(item));
    this.select(item);
  }

  /** Open or close groups; the same of the picture's steps stay done. */
  refold(change: () => void): void {
    const position = this.position;
    const whole = this.at >= this.last;
    change();
    this.steps = visibleSteps(this.picture, this.folding);
    const found = this.steps.findIndex(({ to }) => to >= position);
    this.at = whole ? this.last : position === 0 ? 0 : found + 1;
    if (this.selected !== null && !this.isVisible(this.selected)) {
      const closed = [...this.folding.containers(this.selected)].filter((group) => !this.folding.open.has(group)).at(-1);
      this.selected = closed === undefined ? null : groupItem(closed);
      this.tell("select");
    }
    this.colours.forget();
    this.tell("fold");
  }

  isVisible(item: Item): boolean {
    return [...this.folding.containers(item)].every((group) => this.folding.open.has(group));
  }

  select(item: Item | null): void {
    if (this.selected === item) return;
    this.selected = item;
    this.tell("select");
  }

  // Numbers and colours --------------------------------------------------------------------------------------------

  setInput(node: number, value: number): void {
    this.readings.set(node, value);
    this.colours.forget();
    this.tell("values");
  }

  resetInputs(): void {
    this.readings.reset();
    this.colours.forget();
    this.tell("values");
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    this.colours.forget();
    this.tell("colour");
  }

  setTheme(theme: "light" | "dark"): void {
    this.theme = theme;
    this.tell("colour");
  }

  /** What to call an item. */
  nameOf(item: Item): string {
    return isGroup(item) ? this.folding.groups[groupOf(item)]!.label : this.picture.nodes[item]!.name;
  }
}
