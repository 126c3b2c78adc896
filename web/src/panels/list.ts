/** Every node and group that a search finds, as a list: the graph for who would rather read. */

import { h, runs, shortened, spans } from "../dom.ts";
import { type Item, groupItem } from "../fold.ts";
import { count } from "../number.ts";
import { type State } from "../state.ts";
import { norm } from "../colour.ts";
import { written } from "../number.ts";

const MOST = 100;

export interface ListPanel {
  element: HTMLElement;
  /** Look for what contains all words of a text; return how much was found. */
  search(text: string): number;
  /** Show the next of what was found. */
  next(): void;
}

export function listPanel(state: State): ListPanel {
  const body = h("tbody");
  const caption = h("caption", {});
  const table = h("table", { class: "list" }, caption, h("thead", {}, h("tr", {},
    h("th", { scope: "col" }, "name"), h("th", { scope: "col" }, "value"), h("th", { scope: "col" }, "gradient"))), body);
  let found: Item[] = [];
  let at = -1;
  let words: string[] = [];
  const haystacks = texts(state);

  const show = (): void => {
    caption.textContent = found.length === 0 ? "nothing found" : `${count(found.length)} found${found.length > MOST ? `, the first ${MOST}` : ""}`;
    body.replaceChildren(...found.slice(0, MOST).map((item) => row(state, item)));
  };
  const search = (text: string): number => {
    words = text.toLowerCase().split(/\s+/).filter(Boolean);
    found = haystacks.filter(({ text: one }) => words.every((word) => one.includes(word))).map(({ item }) => item);
    at = -1;
    show();
    return found.length;
  };
  const next = (): void => {
    if (found.length === 0) return;
    at = (at + 1) % found.length;
    state.show(found[at]!);
  };
  state.on(["values", "select", "step"], () => {
    if (table.isConnected && table.offsetParent !== null) show();
  });
  search("");
  return { element: h("div", { class: "list-panel" }, table), search, next };
}

function texts(state: State): { item: Item; text: string }[] {
  const { picture, folding } = state;
  const groups = folding.groups.map(({ kind, label, path, detail }, group) => ({
    item: groupItem(group), text: `${kind} ${label} ${path ?? ""} ${detail ?? ""}`.toLowerCase(),
  }));
  const nodes = picture.nodes.map(({ name, operation, written: formula, source, kind }, item) => ({
    item, text: `${name} ${operation} ${formula ?? ""} ${kind} ${source ? `${source.file}:${source.line}` : ""}`.toLowerCase(),
  }));
  return [...nodes, ...groups.filter((_, group) => folding.groups[group]!.kind !== "part")];
}

function row(state: State, item: Item): HTMLElement {
  const selected = state.selected === item;
  const name = state.nameOf(item);
  const node = item >= 0 ? item : undefined;
  const value = node === undefined ? undefined : state.readings.value(node);
  const gradient = node === undefined ? undefined : state.readings.gradient(node);
  const short = gradient === undefined ? "" : gradient.text.length < 16 ? gradient.text : `‖·‖ ${written(norm(gradient))}`;
  const operation = node === undefined ? "group" : state.picture.nodes[node]!.operation;
  return h("tr", { class: selected ? "selected" : undefined },
    h("th", { scope: "row" }, h("button", { type: "button", class: "link", "aria-current": selected ? "true" : undefined, onclick: () => state.show(item) },
      ...spans(runs(shortened(name, 40)))), h("small", {}, operation)),
    h("td", { class: "number" }, shortened(value?.text ?? "", 24)),
    h("td", { class: "number tone-gradient" }, short));
}
