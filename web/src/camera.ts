/** Where one looks at the picture from: moved by dragging, nearer and further by the wheel or two fingers. */

import type { Point } from "./layout.ts";

const NEAREST = 4;
const FURTHEST = 0.01;
const LARGEST_FIT = 1.35;

export interface View {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  width = 1;
  height = 1;

  constructor(private readonly moved: () => void) {}

  /** What of the picture is in view. */
  get view(): View {
    const { x, y, scale, width, height } = this;
    return { left: -x / scale, top: -y / scale, right: (width - x) / scale, bottom: (height - y) / scale };
  }

  toPicture({ x, y }: Point): Point {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.moved();
  }

  /** Come nearer by a factor, with the point of the screen staying where it is. */
  zoom(factor: number, at: Point = { x: this.width / 2, y: this.height / 2 }): void {
    const scale = Math.min(NEAREST, Math.max(FURTHEST, this.scale * factor));
    const kept = this.toPicture(at);
    this.scale = scale;
    this.x = at.x - kept.x * scale;
    this.y = at.y - kept.y * scale;
    this.moved();
  }

  /** See all of a picture of this size, or of a large one its left, no smaller than ``least``. */
  fit(width: number, height: number, inset: { left: number; top: number; right: number; bottom: number }, least: number): void {
    const across = this.width - inset.left - inset.right;
    const down = this.height - inset.top - inset.bottom;
    this.scale = Math.max(FURTHEST, least, Math.min(LARGEST_FIT, across / Math.max(1, width), down / Math.max(1, height)));
    this.x = inset.left + Math.max(0, (across - width * this.scale) / 2);
    this.y = inset.top + (down - height * this.scale) / 2;
    this.moved();
  }

  /** Move as little as is needed to see a rectangle of the picture, near enough to read it. */
  see(box: { x: number; y: number; width: number; height: number }, readable: number): void {
    if (this.scale < readable) {
      this.scale = readable;
      this.x = this.width / 2 - (box.x + box.width / 2) * readable;
      this.y = this.height / 2 - (box.y + box.height / 2) * readable;
    }
    const margin = 40;
    const [left, top] = [box.x * this.scale + this.x, box.y * this.scale + this.y];
    const [right, bottom] = [left + box.width * this.scale, top + box.height * this.scale];
    if (left < margin) this.x += margin - left;
    else if (right > this.width - margin) this.x -= right - this.width + margin;
    if (top < margin) this.y += margin - top;
    else if (bottom > this.height - margin) this.y -= bottom - this.height + margin;
    this.moved();
  }
}

/** Let pointers and the wheel move a camera; ``pressed`` hears of a press that did not become a drag. */
export function steer(camera: Camera, surface: HTMLElement, pressed: (event: PointerEvent) => void): void {
  const pointers = new Map<number, Point>();
  let travelled = 0;
  const at = (event: PointerEvent | WheelEvent): Point => {
    const { left, top } = surface.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.target as Element).closest("button, a, input, select")) return;
    pointers.set(event.pointerId, at(event));
    travelled = pointers.size > 1 ? Infinity : 0;
  });
  surface.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (travelled > 4 && !surface.hasPointerCapture(event.pointerId)) surface.setPointerCapture(event.pointerId);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const ratio = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      camera.zoom(ratio, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    } else if (travelled > 4) camera.pan(now.x - before.x, now.y - before.y);
    pointers.set(event.pointerId, now);
  });
  const lift = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && travelled <= 4) pressed(event);
  };
  surface.addEventListener("pointerup", lift);
  surface.addEventListener("pointercancel", lift);
  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    camera.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), at(event));
  }, { passive: false });
}
