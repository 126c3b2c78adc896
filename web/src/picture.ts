/** The picture as pullback writes it (docs/picture.md says what stands where), and how it is read. */

export const FORMAT = "pullback-picture";
export const VERSION = 1;

/** A number; those that JSON does not have stand as text: "NaN", "Infinity", "-Infinity". */
export type Numeral = number | string;

export interface Thumbnail {
  rows: number;
  columns: number;
  low: Numeral;
  high: Numeral;
  /** One byte for each cell in base64: 0 is low, 254 is high, 255 is not finite. */
  cells: string;
}

export interface Statistics {
  size?: number;
  low?: Numeral;
  high?: Numeral;
  mean?: Numeral;
  std?: Numeral;
  norm?: Numeral;
  nan?: number;
  inf?: number;
  zeros?: number;
  histogram?: number[];
  thumbnail?: Thumbnail;
}

export interface Value extends Statistics {
  text: string;
  full?: string;
  number?: Numeral | boolean;
}

export type Operand = { node: number } | { number: Numeral | boolean };
export type Kind = "input" | "parameter" | "constant" | "operation" | "output";

export interface PictureNode {
  name: string;
  kind: Kind;
  operation: string;
  written?: string;
  operands?: Operand[];
  params?: Record<string, unknown>;
  shape?: number[];
  dtype?: string;
  group?: number;
  source?: { file: string; line?: number; madeBy?: string };
  value?: Value;
  gradient?: Value;
  memory?: number;
  flops?: number;
  seconds?: number;
}

export interface Edge {
  source: number;
  target: number;
  positions: number[];
  differentiable?: false;
  rule?: number;
  partial?: Value;
  formula?: string;
  pulled?: Value;
  pulledFormula?: string;
}

export interface Group {
  kind: "module" | "function" | "repeat" | "copy" | "body" | "part";
  label: string;
  path?: string;
  detail?: string;
  parent?: number;
  copies?: number;
}

/** A formula: a number, a leaf, or an operation on formulas. */
export type Tree =
  | Numeral
  | boolean
  | { operand: number }
  | { result: true }
  | { gradient: true }
  | { operation: string; operands: Tree[]; params?: Record<string, unknown> };

export interface Rule {
  partial?: Tree;
  pulled?: Tree;
}

export type Step = { node: number } | { seed: number } | { edge: number };

export interface Training {
  epochs: number[];
  loss: Numeral[];
  metric?: { name: string; values: Numeral[] };
  seconds?: number;
  parameters?: { name: string; shape?: number[]; values?: Value[]; gradients?: Value[] }[];
}

export interface Picture {
  format: string;
  version: number;
  title?: string;
  description?: string;
  output?: number;
  outputs: number[];
  /** The first node whose value is not finite, and the first from the right whose gradient is not. */
  strange?: { value?: number; gradient?: number };
  live?: boolean;
  /** In words, why the page cannot evaluate the graph by itself. */
  whyNotLive?: string;
  nodes: PictureNode[];
  edges: Edge[];
  groups: Group[];
  rules: Rule[];
  steps: Step[];
  training?: Training;
}

/** A number that may stand as text. */
export function toNumber(value: Numeral | boolean | undefined): number {
  return value === undefined ? NaN : Number(value);
}

/** Read a picture from its JSON text; an error says what is wrong with it. */
export function readPicture(text: string): Picture {
  let data: Partial<Picture> | null;
  try {
    data = JSON.parse(text) as Partial<Picture> | null;
  } catch {
    throw new Error("this page holds no picture: its data is not JSON");
  }
  if (data === null || typeof data !== "object" || data.format !== FORMAT) {
    throw new Error(`this page holds no picture: expected the format ${FORMAT}`);
  }
  if (data.version !== VERSION) {
    throw new Error(`this page reads version ${VERSION} of ${FORMAT}, got version ${String(data.version)}`);
  }
  return { ...data, outputs: data.outputs ?? [], nodes: data.nodes ?? [], edges: data.edges ?? [],
    groups: data.groups ?? [], rules: data.rules ?? [], steps: data.steps ?? [] } as Picture;
}

/** Whether a node holds one real number. */
export function isScalar(node: PictureNode): boolean {
  return node.shape?.length === 0 && node.value?.number !== undefined;
}
