import { add, div, minimum, mul, norm, scalar, sqrt, square, sub, type Tensor1D, tidy } from '../tf.ts';

/** All on one long vector of parameters: a step costs a dozen ops however many tensors the model has. */
export interface AdamWState {
  readonly step: number;
  readonly parameters: Tensor1D;
  /** First and second moment. */
  readonly m: Tensor1D;
  readonly v: Tensor1D;
  /** Exponential moving average of the parameters; what is shipped. */
  readonly average: Tensor1D;
}

export interface AdamWSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Largest L2 norm of the gradient. */
  readonly clipNorm: number;
  /** Decay of the moving average. */
  readonly averageDecay: number;
}

/**
 * One step of Adam with decoupled weight decay on the clipped gradient, and of the moving average.
 * Source: arXiv 1711.05101, algorithm 2; clipping as torch.nn.utils.clip_grad_norm_.
 *
 * g gradient, theta parameters, t step: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 * theta = theta - lr (m / (1-b1^t) / (sqrt(v / (1-b2^t)) + eps) + wd theta).
 * The average warms up: its decay is min(averageDecay, (1+t)/(10+t)).
 * The caller owns the new state and disposes of the old one.
 */
export function adamWStep(state: AdamWState, gradient: Tensor1D, settings: AdamWSettings): AdamWState {
  const { learningRate: lr, beta1, beta2, epsilon, weightDecay, clipNorm, averageDecay } = settings;
  const t = state.step + 1;
  const tensors = tidy(() => {
    const g = mul(gradient, minimum(1, div(clipNorm, add(norm(gradient), 1e-6))));
    const m = add(mul(state.m, beta1), mul(g, 1 - beta1));
    const v = add(mul(state.v, beta2), mul(square(g), 1 - beta2));
    const root = add(mul(sqrt(v), 1 / Math.sqrt(1 - beta2 ** t)), epsilon);
    const direction = div(mul(m, lr / (1 - beta1 ** t)), root);
    const parameters = sub(mul(state.parameters, 1 - lr * weightDecay), direction);
    const decay = Math.min(averageDecay, (1 + t) / (10 + t));
    const average = add(mul(state.average, decay), mul(parameters, scalar(1 - decay)));
    return { parameters, m, v, average } as Omit<AdamWState, 'step'>;
  });
  return { step: t, ...tensors };
}

/** Linear warm-up, then half a cosine down to `floor` of the peak at `total` steps. Returns the factor of the peak rate. */
export function cosineRate(step: number, warmUp: number, total: number, floor = 0.02): number {
  if (step < warmUp) return (step + 1) / warmUp;
  const progress = Math.min(1, (step - warmUp) / Math.max(1, total - warmUp));
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
