/** The graph on the screen: what is in view is drawn as SVG; from afar, where nothing can be read, on a canvas. */

import { Camera, type View, steer } from "./camera.ts";
import { drawBox, drawWire, boundsOf } from "./draw.ts";
import { h, s } from "./dom.ts";
import { type Item, groupOf, isGroup } from "./fold.ts";
import { type Box, Layouter, type Scene } from "./layout.ts";
import { Hover } from "./hover.ts";
import { type Palette, paintScene, prepared } from "./overview.ts";
import type { State } from "./state.ts";
import { Rooms } from "./words.ts";

/** With more boxes than these in view they are painted from afar. */
const MOST_DRAWN = 450;
const READABLE = 0.55;
const SMALLEST = 0.46;
const FIRST_SCALE = 0.62;
const MARGIN = 60; // what is that near to the view is drawn already

interface Drawn {
  box: SVGGElement;
  /** What it looked like when it was last drawn; null if it must be drawn anew. */
  stale: boolean;
}

export class Stage {
  readonly element: HTMLElement;
  readonly camera: Camera;
  scene: Scene = { boxes: [], wires: [], width: 0, height: 0 };
  private readonly world: SVGGElement;
  private readonly layers: { frames: SVGGElement; wires: SVGGElement; boxes: SVGGElement };
  private readonly svg: SVGSVGElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly map: HTMLCanvasElement;
  private readonly hover: Hover;
  private readonly rooms: Rooms;
  private readonly layouter: Layouter;
  private readonly drawn = new Map<Item, Drawn>();
  private readonly wires = new Map<number, Drawn>();
  private places = new Map<Item, Box>();
  private bounds: ReturnType<typeof boundsOf>[] = [];
  private awaiting = false;
  private fitted = false;
  /** How long the last frame took to be made, in milliseconds; the tests look at it. */
  frameTime = 0;

  constructor(private readonly state: State) {
    this.rooms = new Rooms(state);
    this.layouter = new Layouter(state.folding);
    this.layers = { frames: s("g"), wires: s("g"), boxes: s("g") };
    this.world = s("g", {}, this.layers.frames, this.layers.wires, this.layers.boxes);
    this.svg = s("svg", { class: "graph", "aria-hidden": "true" }, this.world);
    this.canvas = h("canvas", { class: "afar", "aria-hidden": "true" });
    this.map = h("canvas", { class: "minimap", "aria-hidden": "true" });
    this.hover = new Hover(state);
    this.element = h("div", {
      class: "stage", tabindex: 0, role: "application", "aria-roledescription": "computation graph",
      "aria-label": "Computation graph. Arrow keys go from node to node, Enter opens and closes a group.",
    }, this.canvas, this.svg, this.map, this.hover.element);
    this.camera = new Camera(() => this.ask());
    steer(this.camera, this.element, (event) => this.pressed(event));
    this.element.addEventListener("dblclick", (event) => this.doublePressed(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("pointermove", (event) => this.hovered(event));
    this.element.addEventListener("pointerleave", () => this.hover.show(null, 0, 0, 0));
    this.steerMap();
    state.on(["fold"], () => this.refold());
    state.on(["values"], () => {
      const { width, height } = this.scene;
      this.relayout();
      if (this.fitted && (width !== this.scene.width || height !== this.scene.height)) this.lookFirst();
    });
    state.on(["step", "select", "colour"], (topic) => {
      if (topic !== "colour") this.follow(topic);
      this.refresh();
    });
  }

  /** Begin: the stage has its place in the document. */
  start(): void {
    new ResizeObserver(() => this.resized()).observe(this.element);
    this.resized();
    this.relayout();
    this.lookFirst();
  }

  private resized(): void {
    const { width, height } = this.element.getBoundingClientRect();
    const first = this.camera.width <= 1;
    this.camera.width = width;
    this.camera.height = height;
    this.svg.setAttribute("width", `${width}`);
    this.svg.setAttribute("height", `${height}`);
    if (first || this.fitted) this.lookFirst();
    else this.ask();
  }

  /** See everything. */
  fit = (): void => this.look(0);

  /** A picture that could not be read if all of it were seen is seen from its left. */
  private lookFirst(): void {
    this.look(0);
    if (this.camera.scale < SMALLEST) this.look(FIRST_SCALE);
  }

  private look(least: number): void {
    const inset = { left: 36, right: 36, top: 30, bottom: 64 };
    this.camera.fit(this.scene.width, this.scene.height, inset, least);
    this.fitted = true;
  }

  private relayout(): void {
    this.scene = this.layouter.scene(this.rooms);
    this.places = new Map(this.scene.boxes.map((box) => [box.item, box]));
    this.bounds = this.scene.wires.map(boundsOf);
    this.wires.clear();
    this.layers.wires.replaceChildren();
    this.refresh();
  }

  /** Lay out anew what was opened or closed; what is in the middle of the attention stays in its place. */
  private refold(): void {
    const anchor = this.state.selected !== null ? this.places.get(this.state.selected) : undefined;
    const whole = this.fitted && this.state.selected === null;
    this.relayout();
    const now = anchor && this.places.get(anchor.item);
    if (whole) this.fit();
    else if (anchor && now) this.camera.pan((anchor.x - now.x) * this.camera.scale, (anchor.y - now.y) * this.camera.scale);
  }

  /** Everything in view must be drawn anew. */
  private refresh(): void {
    for (const one of this.drawn.values()) one.stale = true;
    for (const one of this.wires.values()) one.stale = true;
    this.ask();
  }

  private ask(): void {
    if (this.awaiting) return;
    this.awaiting = true;
    requestAnimationFrame(() => {
      this.awaiting = false;
      const start = performance.now();
      this.frame();
      this.frameTime = performance.now() - start;
    });
  }

  private frame(): void {
    const { x, y, scale, view } = this.camera;
    this.world.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
    const near = MARGIN / scale;
    const wide = { left: view.left - near, top: view.top - near, right: view.right + near, bottom: view.bottom + near };
    const boxes = this.scene.boxes.filter((box) => isIn(box, wide));
    const afar = boxes.length > MOST_DRAWN;
    this.element.classList.toggle("from-afar", afar);
    const palette = this.palette();
    if (afar) this.drawAfar(palette);
    else this.drawNear(boxes, wide);
    this.drawMap(palette);
  }

  private drawNear(boxes: Box[], view: View): void {
    const { state } = this;
    const domain = state.colours.range(this.scene.boxes.filter(({ open }) => !open).map(({ item }) => item), state.mode);
    const highlight = this.highlight();
    const kept = new Set<Item>();
    for (const box of boxes) {
      kept.add(box.item);
      let one = this.drawn.get(box.item);
      if (!one) {
        one = { box: s("g", { id: `item${box.item}` }), stale: true };
        this.drawn.set(box.item, one);
      }
      if (!one.stale) continue;
      const layer = box.open ? this.layers.frames : this.layers.boxes;
      if (one.box.parentNode !== layer) layer.append(one.box);
      one.box.setAttribute("class", this.classOf(box, highlight));
      drawBox(state, box, state.colours.of(box.item, state.mode, domain, state.theme), one.box);
      one.stale = false;
    }
    for (const [item, one] of this.drawn) if (!kept.has(item)) {
      one.box.remove();
      this.drawn.delete(item);
    }
    this.drawWires(view, highlight);
  }

  private drawWires(view: View, highlight: Highlight): void {
    this.scene.wires.forEach((wire, i) => {
      const { left, right, top, bottom } = this.bounds[i]!;
      const visible = right >= view.left && left <= view.right && bottom >= view.top && top <= view.bottom;
      const known = this.wires.get(i);
      if (!visible) {
        known?.box.remove();
        this.wires.delete(i);
        return;
      }
      const one = known ?? { box: s("g"), stale: true };
      if (!known) {
        this.wires.set(i, one);
        this.layers.wires.append(one.box);
      }
      if (!one.stale) return;
      const now = highlight.edge !== undefined && wire.edges.includes(highlight.edge);
      const path = wire.edges.some((edge) => highlight.edges.has(edge));
      const constant = this.state.picture.output !== undefined && wire.edges.every((edge) => this.state.picture.edges[edge]!.differentiable === false);
      one.box.setAttribute("class", ["wire", now && "now", path && "path", constant && "plain", wire.framed && "framed"].filter(Boolean).join(" "));
      drawWire(this.state, wire, one.box);
      one.stale = false;
    });
  }

  /** The node and edge of the step, and the ways along which a gradient came there. */
  private highlight(): Highlight {
    const { state } = this;
    const { picture, current, selected } = state;
    const none: Highlight = { edges: new Set(), nodes: new Set() };
    if (current?.step && "edge" in current.step) {
      const edge = picture.edges[current.step.edge]!;
      const ways = state.neighbours.ways(edge.target);
      for (const one of state.board.arrived(edge.source, state.position)) {
        if (one === current.step.edge) continue;
        ways.edges.add(one);
        for (const way of state.neighbours.ways(picture.edges[one]!.target).edges) ways.edges.add(way);
      }
      return { edge: current.step.edge, edges: ways.edges, nodes: ways.nodes, item: state.folding.visibleItem(edge.source) };
    }
    if (current) {
      const item = current.group !== undefined ? ~current.group : current.step && "node" in current.step ? current.step.node : picture.output!;
      return { ...none, item, inputs: true };
    }
    if (selected !== null && !isGroup(selected)) return { ...state.neighbours.ways(selected) };
    return none;
  }

  private classOf(box: Box, highlight: Highlight): string {
    const { state } = this;
    const { item } = box;
    const classes = ["item"];
    if (isGroup(item)) {
      classes.push(box.open ? "is-open" : `is-group group-${state.folding.groups[groupOf(item)]!.kind}`);
    } else {
      classes.push(`kind-${state.picture.nodes[item]!.kind}`);
      if (highlight.nodes.has(item)) classes.push("path");
    }
    if (item === highlight.item) classes.push("now");
    if (item === state.selected) classes.push("selected");
    if (state.mode !== "kind") classes.push("tinted");
    if (!box.open && this.isAhead(item)) classes.push("ahead");
    if (state.findings.some(({ kind, node }) => kind === "value" && state.folding.visibleItem(node) === item)) classes.push("first-strange");
    return classes.join(" ");
  }

  /** Whether an item is still to be computed. */
  private isAhead(item: Item): boolean {
    const { board, folding, position } = this.state;
    if (!isGroup(item)) return !board.hasValue(item, position);
    for (const node of folding.nodes(groupOf(item))) if (!board.hasValue(node, position)) return true;
    return false;
  }

  // From afar ------------------------------------------------------------------------------------------------------

  private palette(): Palette {
    const style = getComputedStyle(this.element);
    const read = (name: string): string => style.getPropertyValue(name).trim();
    const { state } = this;
    const domain = state.colours.range(this.scene.boxes.filter(({ open }) => !open).map(({ item }) => item), state.mode);
    const kinds = new Map<string, [string, string]>();
    const kindOf = (kind: string): [string, string] => {
      const known = kinds.get(kind) ?? [read(`--${kind}`), read(`--${kind}-line`)];
      kinds.set(kind, known);
      return known;
    };
    return {
      line: read("--line"), frame: read("--frame"), frameLine: read("--frame-line"),
      box: ({ item }) => {
        const colours = kindOf(isGroup(item) ? "group" : state.picture.nodes[item]!.kind);
        const fill = state.colours.of(item, state.mode, domain, state.theme);
        return fill ? [fill, colours[1]] : colours;
      },
    };
  }

  private drawAfar(palette: Palette): void {
    const { x, y, scale, view, width, height } = this.camera;
    for (const one of this.drawn.values()) one.box.remove();
    this.drawn.clear();
    this.wires.clear();
    this.layers.wires.replaceChildren();
    const context = prepared(this.canvas, width, height);
    if (!context) return;
    context.translate(x, y);
    context.scale(scale, scale);
    paintScene(context, this.scene, view, scale, palette);
  }

  private drawMap(palette: Palette): void {
    const { view, width, height } = this.camera;
    const { scene } = this;
    const whole = view.left <= 0 && view.top <= 0 && view.right >= scene.width && view.bottom >= scene.height;
    const hidden = whole || scene.boxes.length < 8 || width < 560 || height < 320;
    this.map.hidden = hidden;
    if (hidden) return;
    const scale = this.mapScale();
    const [across, down] = [scene.width * scale, scene.height * scale];
    this.map.style.width = `${across}px`;
    this.map.style.height = `${down}px`;
    const context = prepared(this.map, across, down);
    if (!context) return;
    context.scale(scale, scale);
    const all = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };
    paintScene(context, scene, all, scale, palette);
    context.strokeStyle = getComputedStyle(this.element).getPropertyValue("--focus");
    context.lineWidth = 1.5 / scale;
    const [left, top] = [Math.max(0, view.left), Math.max(0, view.top)];
    context.strokeRect(left, top, Math.min(scene.width, view.right) - left, Math.min(scene.height, view.bottom) - top);
  }

  private mapScale(): number {
    return Math.min(200 / Math.max(1, this.scene.width), 120 / Math.max(1, this.scene.height));
  }

  private steerMap(): void {
    const go = (event: PointerEvent): void => {
      event.stopPropagation();
      const { left, top } = this.map.getBoundingClientRect();
      const scale = this.mapScale();
      const { camera } = this;
      camera.x = camera.width / 2 - ((event.clientX - left) / scale) * camera.scale;
      camera.y = camera.height / 2 - ((event.clientY - top) / scale) * camera.scale;
      camera.pan(0, 0);
    };
    this.map.addEventListener("pointerdown", (event) => {
      this.map.setPointerCapture(event.pointerId);
      go(event);
    });
    this.map.addEventListener("pointermove", (event) => {
      if (event.buttons > 0) go(event);
    });
  }

  // Hands and keys -------------------------------------------------------------------------------------------------

  /** The innermost item at a point of the screen. */
  itemAt(event: MouseEvent): Item | null {
    const { left, top } = this.element.getBoundingClientRect();
    const { x, y } = this.camera.toPicture({ x: event.clientX - left, y: event.clientY - top });
    let found: Box | null = null;
    for (const box of this.scene.boxes) {
      const inside = x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
      if (inside && (!found || box.depth >= found.depth)) found = box;
    }
    return found?.item ?? null;
  }

  private hovered(event: PointerEvent): void {
    const { left, top, width } = this.element.getBoundingClientRect();
    const item = event.buttons > 0 || event.target === this.map ? null : this.itemAt(event);
    const framed = item !== null && isGroup(item) && this.places.get(item)!.open;
    this.hover.show(framed ? null : item, event.clientX - left, event.clientY - top, width);
  }

  private pressed(event: PointerEvent): void {
    this.fitted = false;
    const item = this.itemAt(event);
    const onHandle = document.elementFromPoint(event.clientX, event.clientY)?.closest(".handle") != null;
    this.state.select(item);
    if (item !== null && isGroup(item) && onHandle) this.state.toggle(groupOf(item));
  }

  private doublePressed(event: MouseEvent): void {
    const item = this.itemAt(event);
    if (item !== null && isGroup(item)) this.state.toggle(groupOf(item));
    else if (item === null) this.fit();
  }

  private key(event: KeyboardEvent): void {
    const { state } = this;
    const directions: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const direction = directions[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (direction && (state.selected !== null || event.shiftKey)) {
      this.go(...direction);
    } else if (event.key === "Enter") {
      if (state.selected === null) this.go(0, 0);
      else if (isGroup(state.selected)) state.toggle(groupOf(state.selected));
    } else if (event.key === "Escape" && state.selected !== null) state.select(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Select the nearest item in a direction. */
  private go(dx: number, dy: number): void {
    const from = this.state.selected === null ? undefined : this.places.get(this.state.selected);
    let best: Box | undefined;
    let least = Infinity;
    for (const box of this.scene.boxes) {
      if (box === from || (from && from.open && box.depth <= from.depth && dx === 0 && dy === 0)) continue;
      const [x, y] = [box.x + box.width / 2 - (from ? from.x + from.width / 2 : 0), box.y + box.height / 2 - (from ? from.y + from.height / 2 : 0)];
      const ahead = x * dx + y * dy;
      if (from && ahead <= 1) continue;
      const aside = Math.abs(x * dy + y * dx);
      const distance = from ? ahead + 2.5 * aside : Math.hypot(x, y);
      if (distance < least) [least, best] = [distance, box];
    }
    if (best) this.state.select(best.item);
  }

  /** Keep in view what the attention is on. */
  private follow(topic: "step" | "select" | string): void {
    const { state } = this;
    const { current } = state;
    let item: Item | null = null;
    if (topic === "select") item = state.selected;
    else if (current) {
      if (current.group !== undefined) item = ~current.group;
      else if (current.step && "node" in current.step) item = current.step.node;
      else if (current.step && "edge" in current.step) item = state.folding.visibleItem(state.picture.edges[current.step.edge]!.source);
    }
    const box = item === null ? undefined : this.places.get(item);
    if (!box) return;
    const { view } = this.camera;
    const inView = box.x >= view.left && box.y >= view.top && box.x + box.width <= view.right && box.y + box.height + 24 <= view.bottom;
    if (inView && (topic === "step" || this.camera.scale >= READABLE * 0.6)) return;
    this.fitted = false;
    this.camera.see(box, topic === "select" ? READABLE : this.camera.scale);
  }
}

interface Highlight {
  edge?: number;
  edges: Set<number>;
  nodes: Set<number>;
  item?: Item;
  inputs?: boolean;
}

function isIn({ x, y, width, height }: Box, view: View): boolean {
  return x + width >= view.left && x <= view.right && y + height + 24 >= view.top && y <= view.bottom;
}
