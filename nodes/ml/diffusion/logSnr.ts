/**
 * The half log signal-to-noise ratio lambda = ln(alpha / sigma) of a model that was trained on N timesteps, over continuous
 * time t = (timestep + 1) / N, from 1 (noise) to 1 / N: ln alpha is linear between the timesteps.
 * Source: arXiv 2206.00927, appendix D.4; NoiseScheduleVP of DPM-Solver's code
 */
export interface LogSnr {
  /** N */
  readonly count: number;
  lambdaAt(time: number): number;
  timeAt(lambda: number): number;
}

export function logSnr(alphaBars: ArrayLike<number>): LogSnr {
  const logAlphas = Array.from(alphaBars, (each) => Math.log(each) / 2); // falls with the timestep
  const count = logAlphas.length;
  return {
    count,
    lambdaAt(time) {
      const at = Math.min(Math.max(time * count - 1, 0), count - 1);
      const i = Math.min(Math.floor(at), count - 2);
      const logAlpha = logAlphas[i]! + (at - i) * (logAlphas[i + 1]! - logAlphas[i]!);
      return logAlpha - Math.log(-Math.expm1(2 * logAlpha)) / 2;
    },
    timeAt(lambda) {
      const logAlpha = -Math.log1p(Math.exp(-2 * lambda)) / 2;
      let [low, high] = [0, count - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (logAlphas[middle]! > logAlpha) low = middle;
        else high = middle;
      }
      const part = (logAlpha - logAlphas[low]!) / (logAlphas[high]! - logAlphas[low]!);
      return (low + part + 1) / count;
    },
  };
}

/** alpha and sigma of a variance-preserving model, alpha^2 + sigma^2 = 1. */
export function alphaSigma(lambda: number): readonly [alpha: number, sigma: number] {
  return [Math.sqrt(1 / (1 + Math.exp(-2 * lambda))), Math.sqrt(1 / (1 + Math.exp(2 * lambda)))];
}
