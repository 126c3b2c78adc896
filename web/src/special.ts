/** Functions that JavaScript does not have, to about fifteen digits. */

const SQRT_PI = Math.sqrt(Math.PI);
const HALF_LOG_TAU = 0.5 * Math.log(2 * Math.PI);

/** The error function: its series where it converges fast [DLMF 7.6.2], otherwise by its complement. */
export function erf(x: number): number {
  if (Math.abs(x) > 2) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / SQRT_PI) * Math.exp(-x * x) * sum;
}

/** 1 - erf(x) without the loss of digits: the continued fraction [DLMF 7.9.3] from the right. */
export function erfc(x: number): number {
  return x < 2 ? 1 - erf(x) : squareExp(x) * fraction(x);
}

function fraction(x: number): number {
  let tail = 0;
  for (let n = 160; n > 0; n -= 1) tail = n / 2 / (x + tail);
  return 1 / (SQRT_PI * (x + tail));
}

/** exp(-x²) with the rounding of the square undone. */
function squareExp(x: number): number {
  const high = Math.round(x * 1024) / 1024;
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];
const FAR = 14; // from here on Stirling's series has full accuracy

/** The logarithm of |gamma(x)|: Stirling's series [DLMF 5.11.1] after a shift to the right. */
export function gammaln(x: number): number {
  if (Number.isNaN(x)) return x;
  if (!Number.isFinite(x)) return Infinity;
  if (x <= 0) {
    if (Number.isInteger(x)) return Infinity;
    return Math.log(Math.PI / Math.abs(sinpi(x))) - gammaln(1 - x); // [DLMF 5.5.3]
  }
  let product = 1;
  let far = x;
  while (far < FAR) {
    product *= far;
    far += 1;
  }
  let sum = (far - 0.5) * Math.log(far) - far + HALF_LOG_TAU;
  let power = far;
  BERNOULLI.forEach((number, i) => {
    sum += number / ((2 * i + 2) * (2 * i + 1) * power);
    power *= far * far;
  });
  return sum - Math.log(product);
}

/** The gamma function; exact at whole numbers. */
export function gamma(x: number): number {
  if (x === 0) return 1 / x;
  if (Number.isInteger(x) && x > 0 && x < 172) {
    let product = 1;
    for (let n = 2; n < x; n += 1) product *= n;
    return product;
  }
  if (x < 0) return Number.isInteger(x) || x === -Infinity ? NaN : Math.PI / (sinpi(x) * gamma(1 - x));
  return Math.exp(gammaln(x));
}

/** The derivative of gammaln [DLMF 5.11.2]. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) return Number.isInteger(x) ? NaN : digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.round(x)));
  let sum = 0;
  let far = x;
  while (far < FAR) {
    sum -= 1 / far;
    far += 1;
  }
  sum += Math.log(far) - 0.5 / far;
  let power = far * far;
  BERNOULLI.forEach((number, i) => {
    sum -= number / ((2 * i + 2) * power);
    power *= far * far;
  });
  return sum;
}

function sinpi(x: number): number {
  const rest = x - 2 * Math.round(x / 2);
  return Math.sin(Math.PI * rest);
}
