import { add, mean, mul, reshape, sub, type Tensor, type Tensor1D } from '../tf.ts';

/*
 * What all preference losses share. Predictions are [N, ...]: of noise, or of what else the model predicts.
 *
 *   y        the target of the predictions; y_theta the model's, y_ref the reference's (the model without its adapter)
 *   m        mean squared error of a prediction, over all elements of an image
 *   kappa    turns mean squared errors into nats; 20,000 brings every loss to the range that its paper tuned
 *   beta     strength of the KL term, as in papers on language models; only beta kappa matters to DPO, rDPO, IPO and hinge
 *   ell      log p_theta(image | prompt) / p_ref, estimated at one noise level: kappa/2 (m_ref - m_theta)
 *   u        beta (ell of the winner - ell of the loser), the margin of implicit rewards
 */

/** mean (y - y_theta)^2 of each image, [N]. Differentiable. */
export function errorPerImage(target: Tensor, prediction: Tensor): Tensor1D {
  const difference = sub(target, prediction);
  return meanPerImage(mul(difference, difference));
}

/**
 * ell of each image, [N], as kappa/2 mean((y_ref - y_theta)(y_ref + y_theta - 2 y)): the difference of two means would lose
 * four digits in float32. Differentiable.
 */
export function logRatio(target: Tensor, reference: Tensor, model: Tensor, kappa: number): Tensor1D {
  const sum = sub(add(reference, model), mul(target, 2));
  return mul(meanPerImage(mul(sub(reference, model), sum)), kappa / 2);
}

/** KL(model || reference) in nats at the model's own noised samples, [N]: of two Gaussians of one variance. Differentiable. */
export function klPerImage(reference: Tensor, model: Tensor, kappa: number): Tensor1D {
  return mul(errorPerImage(reference, model), kappa / 2);
}

/** The mean over all axes but the first. */
export function meanPerImage(values: Tensor): Tensor1D {
  return mean(reshape(values, [values.shape[0]!, -1]), 1);
}
