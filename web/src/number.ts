/** How numbers are written: as pullback writes them, with a real minus. */

export const MINUS = "\u2212";

/** At most so many significant digits, without trailing zeros: 0.25, −4, 1.5e−7. */
export function written(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : `${MINUS}inf`;
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  let text: string;
  if (exponent < -4 || exponent >= Math.max(digits, 6)) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
    const sign = power.startsWith("-") ? "-" : "+";
    text = `${trimmed(mantissa)}e${sign}${power.replace(/[+-]/, "").padStart(2, "0")}`;
  } else {
    text = trimmed(value.toFixed(Math.max(0, digits - 1 - exponent)));
  }
  return text.replaceAll("-", MINUS);
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes, in decimal units. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${written(value, 3)} ${UNITS[unit]}`;
}

/** A time, in the unit that suits it. */
export function duration(seconds: number): string {
  if (seconds < 1e-3) return `${written(seconds * 1e6, 3)} µs`;
  if (seconds < 1) return `${written(seconds * 1e3, 3)} ms`;
  return `${written(seconds, 3)} s`;
}

/** A count with thin spaces between thousands. */
export function count(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
