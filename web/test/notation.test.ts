import { describe, expect, it } from "vitest";
import { applied, derivative, formula, name, plainText, splitName, weighNumber } from "../src/notation.ts";
import { bytes, count, duration, written } from "../src/number.ts";
import { readPicture } from "../src/picture.ts";

describe("numbers", () => {
  it.each([
    [-4, "−4"], [0.25, "0.25"], [-0, "0"], [NaN, "nan"], [-Infinity, "−inf"], [1e-7, "1e−07"], [123456, "123456"],
    [1234567, "1.235e+06"], [0.30000000000000004, "0.3"], [99999.6, "100000"], [2.0004, "2"],
  ])("%f is written as pullback writes it", (value, text) => expect(written(value)).toBe(text));

  it("have units", () => {
    expect([bytes(999), bytes(1500), bytes(2e9)]).toEqual(["999 B", "1.5 kB", "2 GB"]);
    expect([duration(2.5e-5), duration(0.01), duration(3)]).toEqual(["25 µs", "10 ms", "3 s"]);
    expect(count(1234567)).toBe("1\u202f234\u202f567");
  });
});

describe("formulas", () => {
  const of = (...names: string[]) => names.map((one) => [name(one), 100] as [ReturnType<typeof name>, number]);

  it.each([
    [applied("multiply", of("a", "b")), "a*b"],
    [applied("add", [weighNumber(1), applied("multiply", of("a", "b"))]), "1 + a*b"],
    [applied("multiply", [applied("add", of("a", "b")), ...of("c")]), "(a + b)*c"],
    [applied("multiply", [weighNumber(-2), weighNumber(-3)]), "-2*(-3)"],
    [applied("subtract", [...of("a"), applied("subtract", of("b", "c"))]), "a - (b - c)"],
    [applied("subtract", [...of("a"), weighNumber(-1)]), "a - (-1)"],
    [applied("power", [weighNumber(-2), weighNumber(3)]), "(-2)**3"],
    [applied("divide", [applied("add", of("a", "b")), ...of("c")]), "(a + b)/c"],
    [applied("negative", [applied("add", of("a", "b"))]), "-(a + b)"],
    [applied("matmul", [...of("W"), applied("permute", of("x"))]), "W @ x.T"],
    [applied("sum", of("x"), { axes: [0] }), "sum(x, axes=[0])"],
    [applied("sqrt", of("x")), "sqrt(x)"],
  ])("%#", ([made], text) => expect(plainText(made)).toBe(text));

  it("name derivatives and the leaves of rules", () => {
    expect(plainText(derivative("L", "b"))).toBe("dL/db");
    const [made] = formula({ operation: "strong_product", operands: [{ gradient: true }, { operand: 1 }] }, {
      operand: (place) => [name(`x${place}`), 100], result: () => [name("y"), 100], gradient: () => [derivative("L", "y"), 25],
    });
    expect(plainText(made)).toBe("dL/dy*x1");
  });

  it("set digits behind a letter as an index", () => {
    expect(splitName("z12")).toEqual({ stem: "z", index: "12", variable: true });
    expect(splitName("W_2").index).toBe("2");
    expect(splitName("layer2").variable).toBe(false);
  });
});

describe("reading", () => {
  it("says what is wrong with what is no picture", () => {
    expect(() => readPicture("{")).toThrow("not JSON");
    expect(() => readPicture("null")).toThrow("expected the format");
    expect(() => readPicture('{"format":"pullback-picture","version":9}')).toThrow("got version 9");
    expect(readPicture('{"format":"pullback-picture","version":1}').nodes).toEqual([]);
  });
});
