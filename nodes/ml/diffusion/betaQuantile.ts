/**
 * The x at which the distribution function of Beta(a, b) reaches p, by bisection.
 * Source: NIST DLMF 8.17 (incomplete beta function), 8.17.22 (continued fraction).
 */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  if (p === 0.5 && a === b) return 0.5; // exact by symmetry, where bisection ends just below
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (regularisedBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b); the fraction converges fast below the mean, so above it the mirrored one is used. */
function regularisedBeta(x: number, a: number, b: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - regularisedBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  return front * betaFraction(x, a, b);
}

/** The continued fraction 1/(1 + d1/(1 + d2/(1 + ...))), from the inside out. */
function betaFraction(x: number, a: number, b: number): number {
  let value = 1;
  for (let m = 40; m >= 0; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    value = 1 + odd / value;
    if (m > 0) value = 1 + even / value;
  }
  return 1 / value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Stirling's series after raising the argument above 10. Source: NIST DLMF 5.11.1. */
function logGamma(z: number): number {
  let [x, shift] = [z, 0];
  for (; x < 10; x++) shift -= Math.log(x);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
