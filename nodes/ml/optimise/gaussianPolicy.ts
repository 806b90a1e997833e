/**
 * A factorised Gaussian over d numbers as one vector of 2 d: d means mu, then d standard deviations s.
 * Source: arXiv 2407.19453 (FIND), the policy over initial noise.
 */
export type GaussianPolicy = Float32Array<ArrayBuffer>;

/** The least standard deviation that a policy may have. */
const FLOOR = 1e-4;

/** N(0, 1) in d dimensions. */
export function standardPolicy(d: number): GaussianPolicy {
  return new Float32Array(2 * d).fill(1, d);
}

/** z = mu + s n for standard normal numbers n. */
export function fromPolicy(policy: GaussianPolicy, normal: Float32Array): Float32Array<ArrayBuffer> {
  const d = normal.length;
  return Float32Array.from(normal, (n, i) => policy[i]! + policy[d + i]! * n);
}

/** The mean (not the sum) over all elements of ln N(z; mu, s), so that ratios of policies stay near 1 in many dimensions. */
export function meanLogProb(policy: GaussianPolicy, z: Float32Array): number {
  const d = z.length;
  let sum = 0;
  for (let i = 0; i < d; i++) {
    const s = policy[d + i]!;
    sum -= 0.5 * ((z[i]! - policy[i]!) / s) ** 2 + Math.log(s);
  }
  return sum / d - 0.5 * Math.log(2 * Math.PI);
}

/**
 * Adds `factor` times the gradient of `meanLogProb` to `gradient` [2 d]:
 * d/d mu = (z - mu) / (d s^2); d/d s = ((z - mu)^2 - s^2) / (d s^3).
 */
export function addLogProbGradient(
  gradient: Float32Array,
  policy: GaussianPolicy,
  z: Float32Array,
  factor: number,
): void {
  const d = z.length;
  for (let i = 0; i < d; i++) {
    const [off, s] = [z[i]! - policy[i]!, policy[d + i]!];
    gradient[i]! += (factor * off) / (d * s * s);
    gradient[d + i]! += (factor * (off * off - s * s)) / (d * s ** 3);
  }
}

/** Adds `factor` times the gradient of mean(mu^2 + (s - 1)^2), the distance to N(0, 1), to `gradient` [2 d]. */
export function addPriorGradient(gradient: Float32Array, policy: GaussianPolicy, factor: number): void {
  const d = policy.length / 2;
  for (let i = 0; i < d; i++) {
    gradient[i]! += (factor * 2 * policy[i]!) / d;
    gradient[d + i]! += (factor * 2 * (policy[d + i]! - 1)) / d;
  }
}

/** Raises standard deviations to at least 1e-4, in place. */
export function keepSpread(policy: GaussianPolicy): void {
  for (let i = policy.length / 2; i < policy.length; i++) policy[i] = Math.max(FLOOR, policy[i]!);
}

/** How far a policy is from N(0, 1): the root mean square of its means, and its mean standard deviation. */
export function measurePolicy(policy: GaussianPolicy): { readonly drift: number; readonly spread: number } {
  const d = policy.length / 2;
  let [squares, spread] = [0, 0];
  for (let i = 0; i < d; i++) {
    squares += policy[i]! ** 2;
    spread += policy[d + i]!;
  }
  return { drift: Math.sqrt(squares / d), spread: spread / d };
}
