import { describe, expect, it } from "vitest";
import { known, meaning } from "../src/arithmetic.ts";
import { Evaluator, unknownOperations, whyNotLive } from "../src/evaluator.ts";
import { type Numeral, type Picture, toNumber } from "../src/picture.ts";
import all from "./samples.json";

interface Sample {
  text: string;
  picture: Picture;
  results: { values: (Numeral | null)[]; gradients: (Numeral | null)[] }[];
}

const samples = all as unknown as Sample[];

/** What the page leaves to pullback: its numbers are shown, but no input can be dragged. */
const LEFT = new Set([
  "beta", "betaln", "erfcinv", "erfcx", "erfinv", "exp1", "expi", "i0", "i0e", "i1", "i1e", "iv", "ive", "j0", "j1", "jv",
  "k0", "k0e", "k1", "k1e", "kl_div", "kv", "kve", "log_ndtr", "ndtri", "nextafter", "polygamma", "rel_entr", "rgamma",
  "scaled_erfc_integral", "sinc", "spacing", "y0", "y1", "yv", "cumprod", "einsum", "concatenate", "slice", "std", "var",
  "reshape", // to one axis, as it stands in some rules
]);

function agrees(actual: number, expected: number): boolean {
  if (Number.isNaN(expected) || !Number.isFinite(expected)) return Object.is(actual, expected);
  return Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
}

/** The nodes whose numbers differ from those expected, with both. */
function differing(actual: Float64Array, expected: (Numeral | null)[]): unknown[] {
  return expected
    .map((one, i) => [i, actual[i]!, one === null ? null : toNumber(one)] as const)
    .filter(([, own, one]) => one !== null && !agrees(own, one));
}

describe("the evaluator", () => {
  const evaluated = samples.filter(({ picture }) => unknownOperations(picture).length === 0);

  it.each(evaluated.map((sample) => [sample.text, sample] as const))("agrees with pullback: %s", (_, { picture, results }) => {
    const evaluator = new Evaluator(picture);
    for (const { values, gradients } of results) {
      picture.nodes.forEach((node, i) => {
        if (node.kind === "input") evaluator.values[i] = toNumber(values[i]!);
      });
      evaluator.run();
      expect(differing(evaluator.values, values)).toEqual([]);
      expect(differing(evaluator.gradients, gradients)).toEqual([]);
    }
  });

  it("takes most of the functions, and says which it leaves", () => {
    const left = new Set(samples.flatMap(({ picture }) => unknownOperations(picture)));
    expect([...left].filter((one) => !LEFT.has(one))).toEqual([]);
    expect(evaluated.length).toBeGreaterThan(60);
  });

  it("says why it does not take a picture", () => {
    const { picture } = samples[0]!;
    expect(whyNotLive(picture)).toBeUndefined();
    expect(whyNotLive({ ...picture, live: false, whyNotLive: "x holds an array" })).toBe("x holds an array");
    const nodes = picture.nodes.map((node) => (node.operands ? { ...node, operation: "j0" } : node));
    expect(whyNotLive({ ...picture, nodes })).toBe("this page does not know how to compute j0");
  });

  it("knows no operation by a name of JavaScript's objects", () => {
    expect(meaning("constructor")).toBeUndefined();
    expect(meaning("__proto__")).toBeUndefined();
    expect(known).toContain("sigmoid");
  });
});
