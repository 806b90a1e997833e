import { UserError } from '../../errors.ts';

/**
 * Coefficients [of x, of the model output] of the clean sample that a model output stands for, where
 * x = alpha * clean + sigma * noise: with alpha^2 + sigma^2 = 1, or alpha = 1 - sigma for flow models.
 * `prediction` is epsilon, v_prediction, sample or flow_prediction.
 * Source: arXiv 2202.00512, appendix D (epsilon, v, sample); arXiv 2209.03003 (flow: noise - clean).
 * Throws UserError `UNSUPPORTED` where noise is predicted for a sample without signal.
 */
export function cleanCoefficients(prediction: string, alpha: number, sigma: number): [x: number, output: number] {
  if (prediction === 'sample') return [0, 1];
  if (prediction === 'v_prediction') return [alpha, -sigma];
  if (prediction === 'flow_prediction') return [1, -sigma];
  if (alpha === 0) {
    throw new UserError(
      'UNSUPPORTED',
      "A model with prediction_type 'epsilon' cannot start from pure noise (rescale_betas_zero_snr with a timestep at the end of training). Use timestep_spacing 'leading' or another scheduler.",
    );
  }
  return [1 / alpha, -sigma / alpha];
}

/** Coefficients [of x, of the model output] of the noise that a model output stands for. Same sources. */
export function noiseCoefficients(prediction: string, alpha: number, sigma: number): [x: number, output: number] {
  if (prediction === 'sample') return [1 / sigma, -alpha / sigma];
  if (prediction === 'v_prediction') return [sigma, alpha];
  if (prediction === 'flow_prediction') return [1, alpha];
  return [0, 1];
}
