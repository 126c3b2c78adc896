/**
 * What each operation means for numbers: NumPy's meaning, written out where JavaScript's differs.
 *
 * Derivatives are not here: the picture brings them along as formulas, so that they are declared once, in pullback.
 */

import { digamma, erf, erfc, gamma, gammaln } from "./special.ts";

type Meaning = (...operands: number[]) => number;

const LN2 = Math.LN2;
const flag = (truth: boolean): number => (truth ? 1 : 0);
const either = (x: number, y: number): boolean => Number.isNaN(x) || Number.isNaN(y);

function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y))) return 1;
  return x ** y;
}

function remainder(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

function rint(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  if (over !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x: number): number {
  const small = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
}

function logaddexp(x: number, y: number): number {
  return x === y ? x + LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
}

function isNegative(x: number): boolean {
  return x < 0 || Object.is(x, -0);
}

const xlogy: Meaning = (x, y) => (x! === 0 && !Number.isNaN(y!) ? 0 : x! * Math.log(y!));

const identity: Meaning = (x) => x!;

/** What leaves a single number as it is: a reduction over no axes at all, and what moves elements. */
const UNCHANGED = ["identity", "positive", "astype", "sum", "mean", "max", "min", "prod", "logsumexp", "reshape", "permute", "broadcast_to"];

const MEANINGS: Record<string, Meaning> = {
  negative: (x) => -x!,
  add: (x, y) => x! + y!,
  subtract: (x, y) => x! - y!,
  multiply: (x, y) => x! * y!,
  divide: (x, y) => x! / y!,
  /** A factor that is exactly zero stays zero, whatever it meets. */
  strong_product: (x, y) => (x === 0 ? 0 : x! * y!),
  select: (condition, x, y) => (condition ? x! : y!),
  reciprocal: (x) => 1 / x!,
  square: (x) => x! * x!,
  power: (x, y) => power(x!, y!),
  float_power: (x, y) => power(x!, y!),
  sqrt: (x) => Math.sqrt(x!),
  cbrt: (x) => Math.cbrt(x!),
  hypot: (x, y) => Math.hypot(x!, y!),
  absolute: (x) => Math.abs(x!),
  fabs: (x) => Math.abs(x!),
  sign: (x) => Math.sign(x!),
  copysign: (x, y) => (isNegative(x!) === isNegative(y!) ? x! : -x!),
  heaviside: (x, y) => (Number.isNaN(x!) ? NaN : x! === 0 ? y! : flag(x! > 0)),
  maximum: (x, y) => Math.max(x!, y!),
  minimum: (x, y) => Math.min(x!, y!),
  fmax: (x, y) => (either(x!, y!) ? (Number.isNaN(x!) ? y! : x!) : Math.max(x!, y!)),
  fmin: (x, y) => (either(x!, y!) ? (Number.isNaN(x!) ? y! : x!) : Math.min(x!, y!)),
  floor: (x) => Math.floor(x!),
  ceil: (x) => Math.ceil(x!),
  trunc: (x) => Math.trunc(x!),
  rint: (x) => rint(x!),
  remainder: (x, y) => remainder(x!, y!),
  fmod: (x, y) => x! % y!,
  floor_divide: (x, y) => (y === 0 ? x! / y! : Math.floor((x! - remainder(x!, y!)) / y! + 0.5)),
  exp: (x) => Math.exp(x!),
  exp2: (x) => 2 ** x!,
  expm1: (x) => Math.expm1(x!),
  log: (x) => Math.log(x!),
  log2: (x) => Math.log2(x!),
  log10: (x) => Math.log10(x!),
  log1p: (x) => Math.log1p(x!),
  logaddexp: (x, y) => logaddexp(x!, y!),
  logaddexp2: (x, y) => logaddexp(x! * LN2, y! * LN2) / LN2,
  sin: (x) => Math.sin(x!),
  cos: (x) => Math.cos(x!),
  tan: (x) => Math.tan(x!),
  arcsin: (x) => Math.asin(x!),
  arccos: (x) => Math.acos(x!),
  arctan: (x) => Math.atan(x!),
  arctan2: (y, x) => Math.atan2(y!, x!),
  sinh: (x) => Math.sinh(x!),
  cosh: (x) => Math.cosh(x!),
  tanh: (x) => Math.tanh(x!),
  arcsinh: (x) => Math.asinh(x!),
  arccosh: (x) => Math.acosh(x!),
  arctanh: (x) => Math.atanh(x!),
  deg2rad: (x) => x! * (Math.PI / 180),
  radians: (x) => x! * (Math.PI / 180),
  rad2deg: (x) => x! * (180 / Math.PI),
  degrees: (x) => x! * (180 / Math.PI),
  relu: (x) => Math.max(x!, 0),
  sigmoid: (x) => sigmoid(x!),
  softplus: (x) => softplus(x!),
  log_sigmoid: (x) => -softplus(-x!),
  logit: (x) => (Math.abs(x! - 0.5) < 0.25 ? Math.log1p((2 * x! - 1) / (1 - x!)) : Math.log(x! / (1 - x!))),
  xlogy,
  xlog1py: (x, y) => (x! === 0 && !Number.isNaN(y!) ? 0 : x! * Math.log1p(y!)),
  entr: (x) => (x! < 0 ? -Infinity : -xlogy(x!, x!)),
  erf: (x) => erf(x!),
  erfc: (x) => erfc(x!),
  ndtr: (x) => 0.5 * erfc(-x! * Math.SQRT1_2),
  gamma: (x) => gamma(x!),
  gammaln: (x) => gammaln(x!),
  digamma: (x) => digamma(x!),
  equal: (x, y) => flag(x === y),
  not_equal: (x, y) => flag(x !== y),
  less: (x, y) => flag(x! < y!),
  less_equal: (x, y) => flag(x! <= y!),
  greater: (x, y) => flag(x! > y!),
  greater_equal: (x, y) => flag(x! >= y!),
  isnan: (x) => flag(Number.isNaN(x!)),
  isinf: (x) => flag(Math.abs(x!) === Infinity),
  isfinite: (x) => flag(Number.isFinite(x!)),
  signbit: (x) => flag(isNegative(x!)),
  logical_and: (x, y) => flag(x !== 0 && y !== 0),
  logical_or: (x, y) => flag(x !== 0 || y !== 0),
  logical_xor: (x, y) => flag((x !== 0) !== (y !== 0)),
  logical_not: (x) => flag(x === 0),
  exp_normalized: () => 1,
  attained: (x, y) => flag(Object.is(x, y) || x === y),
};
for (const name of UNCHANGED) MEANINGS[name] = identity;

/** The meaning of an operation for numbers; undefined where the page does not know it. */
export function meaning(operation: string): Meaning | undefined {
  return Object.hasOwn(MEANINGS, operation) ? MEANINGS[operation] : undefined;
}

/** The operations that the page knows. */
export const known: readonly string[] = Object.keys(MEANINGS);
