/** A particle: one of the images that are drawn side by side, and what it weighs. */
export interface Particle {
  /** ln of its weight since the last draw; -Infinity where it must not be drawn. */
  readonly logWeight: number;
  /** What its potential carries: the last reward, the largest, or the sum of all. */
  readonly carried: number;
  /** ln of all its potentials so far. */
  readonly spent: number;
}

/** What a particle weighs more after a look: the gain of its reward, its largest reward so far, or the sum of all of them. */
export const potentials = ['difference', 'max', 'sum'] as const;
export type Potential = (typeof potentials)[number];

/** What `potential` carries to the next look of a particle that carries `carried`, and the logarithm of its potential. */
export function readPotential(
  potential: Potential,
  carried: number,
  reward: number,
  strength: number,
): { readonly carried: number; readonly exponent: number } {
  if (potential === 'difference') return { carried: reward, exponent: strength * (reward - carried) };
  const next = potential === 'max' ? Math.max(carried, reward) : carried + reward;
  return { carried: next, exponent: strength * next };
}

/** N particles that nothing is known of. Under `max` any first reward is the largest. */
export function startParticles(count: number, potential: Potential): Particle[] {
  const carried = potential === 'max' ? Number.NEGATIVE_INFINITY : 0;
  return Array.from({ length: count }, () => ({ logWeight: 0, carried, spent: 0 }));
}

/**
 * Weighs particles by what their estimates promise: log w += ln G, and at the last look ln G = lambda r less all before, so that
 * the product of all potentials is e^(lambda r). A reward that is no finite number gives no weight.
 * Source: arXiv 2501.06848 (Feynman-Kac steering), section 3.2; weights are carried on until particles are drawn.
 *
 * | here      | there  |                                             |
 * |-----------|--------|---------------------------------------------|
 * | rewards   | r      | one a particle, of the estimate of the image |
 * | carried   | r'     | what the potential keeps of earlier rewards  |
 * | strength  | lambda | 0 and up; 0 weighs all the same              |
 * | exponent  | ln G   | of the potential                            |
 */
export function weighParticles(
  particles: readonly Particle[],
  rewards: readonly number[],
  {
    potential,
    strength,
    isLast,
  }: { readonly potential: Potential; readonly strength: number; readonly isLast: boolean },
): Particle[] {
  return particles.map(({ logWeight, carried, spent }, i) => {
    const reward = rewards[i]!;
    if (!Number.isFinite(reward)) return { logWeight: Number.NEGATIVE_INFINITY, carried, spent };
    const next = readPotential(potential, carried, reward, strength);
    const exponent = isLast ? strength * reward - spent : next.exponent;
    return { logWeight: logWeight + exponent, carried: next.carried, spent: spent + exponent };
  });
}

/** Weights that sum to 1, from their logarithms; at least one is finite. */
export function sharesOf(logWeights: readonly number[]): number[] {
  const largest = Math.max(...logWeights);
  const weights = logWeights.map((logWeight) => Math.exp(logWeight - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Effective sample size 1 / sum of squared shares: N where all weigh the same, 1 where one has it all. */
export function effectiveSize(shares: readonly number[]): number {
  return 1 / shares.reduce((sum, share) => sum + share ** 2, 0);
}

/** For each point in [0, 1) the first row up to which the shares sum to it: draws from the distribution `shares`. */
export function drawRows(shares: readonly number[], points: readonly number[]): number[] {
  let total = 0;
  const sums = shares.map((share) => (total += share));
  const last = shares.findLastIndex((share) => share > 0);
  return points.map((point) => {
    const row = sums.findIndex((sum, i) => sum >= point && shares[i]! > 0);
    return row < 0 ? last : row;
  });
}

/**
 * Systematic resampling: N evenly spaced points from one number in [0, 1), so that a row with share s is drawn N s times, up to
 * rounding. Source: Douc, Cappe and Moulines 2005, arXiv cs/0507025, section 2.4
 */
export function drawSystematic(shares: readonly number[], uniform: number): number[] {
  const count = shares.length;
  return drawRows(
    shares,
    shares.map((_, i) => (uniform + i) / count),
  );
}

/** The particles that were drawn, which weigh the same again. */
export function drawnParticles(particles: readonly Particle[], rows: readonly number[]): Particle[] {
  return rows.map((row) => ({ ...particles[row]!, logWeight: 0 }));
}
