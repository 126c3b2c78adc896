/** The picture from afar, on a canvas: where too much is in view to be read, and in the small map. */

import type { Box, Scene } from "./layout.ts";
import type { View } from "./camera.ts";

export interface Palette {
  line: string;
  frame: string;
  frameLine: string;
  /** The colours of a box inside and of its border. */
  box(box: Box): [fill: string, stroke: string];
}

/** Paint the part of a scene that is in view. */
export function paintScene(context: CanvasRenderingContext2D, scene: Scene, view: View, scale: number, palette: Palette): void {
  const outside = (left: number, top: number, right: number, bottom: number): boolean =>
    right < view.left || left > view.right || bottom < view.top || top > view.bottom;
  const least = 0.8 / scale;
  for (const { open, x, y, width, height } of scene.boxes) {
    if (!open || outside(x, y, x + width, y + height)) continue;
    context.fillStyle = palette.frame;
    context.fillRect(x, y, width, height);
    context.strokeStyle = palette.frameLine;
    context.lineWidth = least;
    context.strokeRect(x, y, width, height);
  }
  context.strokeStyle = palette.line;
  context.lineWidth = Math.max(1, least * 0.8);
  context.beginPath();
  for (const { points } of scene.wires) {
    const [first, last] = [points[0]!, points.at(-1)!];
    const [left, right] = first.x < last.x ? [first.x, last.x] : [last.x, first.x];
    if (right < view.left || left > view.right) continue;
    context.moveTo(first.x, first.y);
    for (const { x, y } of points) context.lineTo(x, y);
  }
  context.stroke();
  for (const box of scene.boxes) {
    const { open, x, y, width, height } = box;
    if (open || outside(x, y, x + width, y + height)) continue;
    const [fill, stroke] = palette.box(box);
    context.fillStyle = stroke;
    context.fillRect(x, y, width, height);
    const edge = Math.min(width / 4, Math.max(1.5, least));
    context.fillStyle = fill;
    context.fillRect(x + edge, y + edge, width - 2 * edge, height - 2 * edge);
  }
}

/** Make a canvas as large as its place, with the screen's own resolution; return what paints on it. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const density = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(density, 0, 0, density, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}
