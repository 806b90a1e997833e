/** Optimiser state of all parameters of a model, each as one long vector. */
export interface AdamWState {
  /** Steps done. */
  step: number;
  readonly parameters: Float32Array<ArrayBuffer>;
  /** First and second moment. */
  readonly m: Float32Array<ArrayBuffer>;
  readonly v: Float32Array<ArrayBuffer>;
  /** Exponential moving average of the parameters; what is shipped. */
  readonly average: Float32Array<ArrayBuffer>;
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

/** A start from given parameters, which it takes over. */
export function startAdamW(parameters: Float32Array<ArrayBuffer>): AdamWState {
  const zeros = () => new Float32Array(parameters.length);
  return { step: 0, parameters, m: zeros(), v: zeros(), average: parameters.slice() };
}

/** What step t multiplies by: `rate` the corrected first moment, `root` the root of the second, `keep` the parameters. */
export function adamWFactors(t: number, { learningRate: lr, beta1, beta2, weightDecay, averageDecay }: AdamWSettings) {
  return {
    rate: lr / (1 - beta1 ** t),
    root: 1 / Math.sqrt(1 - beta2 ** t),
    keep: 1 - lr * weightDecay,
    decay: Math.min(averageDecay, (1 + t) / (10 + t)),
  };
}

/**
 * One step of Adam with decoupled weight decay on the clipped gradient, and of the moving average. Updates `state` in
 * place; what lies on a device is trained by `stepOnDevice`, which does the same.
 * Source: arXiv 1711.05101, algorithm 2; clipping as torch.nn.utils.clip_grad_norm_.
 *
 * g gradient, theta parameters, t step: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 * theta = theta - lr (m / (1-b1^t) / (sqrt(v / (1-b2^t)) + eps) + wd theta).
 * The average warms up: its decay is min(averageDecay, (1+t)/(10+t)).
 */
export function adamWStep(state: AdamWState, gradient: Float32Array, settings: AdamWSettings): void {
  const { beta1, beta2, epsilon, clipNorm } = settings;
  const { parameters, m, v, average } = state;
  const { rate, root, keep, decay } = adamWFactors(++state.step, settings);
  const clip = Math.min(1, clipNorm / (computeNorm(gradient) + 1e-6));
  for (let i = 0; i < parameters.length; i++) {
    const g = gradient[i]! * clip;
    m[i] = beta1 * m[i]! + (1 - beta1) * g;
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
    parameters[i] = keep * parameters[i]! - (rate * m[i]!) / (root * Math.sqrt(v[i]!) + epsilon);
    average[i] = decay * average[i]! + (1 - decay) * parameters[i]!;
  }
}

function computeNorm(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!;
  return Math.sqrt(sum);
}

/** Linear warm-up, then half a cosine down to `floor` of the peak at `total` steps. Returns the factor of the peak rate. */
export function cosineRate(step: number, warmUp: number, total: number, floor = 0.02): number {
  if (step < warmUp) return (step + 1) / warmUp;
  const progress = Math.min(1, (step - warmUp) / Math.max(1, total - warmUp));
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
