/** A small card beside the pointer: what is under it, and the line of code that made it. */

import { h, runs, shortened, spans } from "./dom.ts";
import { type Item, groupOf, isGroup } from "./fold.ts";
import { sourceText } from "./panels/details.ts";
import type { State } from "./state.ts";
import { groupWords } from "./words.ts";

export class Hover {
  readonly element = h("div", { class: "hover", hidden: true, "aria-hidden": "true" });
  private item: Item | null = null;

  constructor(private readonly state: State) {}

  /** Show what is known of an item beside a point of the stage; null hides the card. */
  show(item: Item | null, x: number, y: number, width: number): void {
    if (item !== this.item) {
      this.item = item;
      this.element.hidden = item === null;
      if (item !== null) this.element.replaceChildren(...this.lines(item));
    }
    const right = x > width / 2;
    this.element.style.transform = `translate(${right ? x - 14 : x + 14}px, ${y + 14}px)${right ? " translateX(-100%)" : ""}`;
  }

  private lines(item: Item): HTMLElement[] {
    const { state } = this;
    if (isGroup(item)) {
      const { label, times, detail } = groupWords(state, groupOf(item));
      return [h("b", {}, label + times), h("div", {}, detail)];
    }
    const node = state.picture.nodes[item]!;
    const value = state.readings.value(item);
    const gradient = state.readings.gradient(item);
    const line = (text: string | undefined, tone = ""): HTMLElement[] => (text ? [h("div", { class: tone }, shortened(text, 90))] : []);
    return [
      h("b", {}, ...spans(runs(shortened(node.name, 60)))),
      ...line(node.written ?? node.kind),
      ...line(value && (value.full ?? value.text)),
      ...line(gradient && `gradient ${gradient.full ?? gradient.text}`, "tone-gradient"),
      ...line(node.source && sourceText(node.source), "source"),
    ];
  }
}
