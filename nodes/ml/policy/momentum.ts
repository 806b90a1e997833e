/*
 * Policy gradients with momentum for N(theta, I): two ways to reuse what earlier steps saw. Source: arXiv 2302.01734
 *
 *   eta_t    (2 / (t + 2))^0.8, the share of the newest gradient, t from 1
 *   g        r(z) (z - theta), the gradient from one sample
 */

export interface MomentumState {
  readonly theta: Float32Array;
  readonly before: Float32Array;
  readonly direction: Float32Array;
  /** Steps done. */
  readonly t: number;
}

export function startMomentum(theta: Float32Array): MomentumState {
  return { theta, before: theta, direction: new Float32Array(theta.length), t: 0 };
}

const share = (t: number) => (2 / (t + 2)) ** 0.8;
const gradientOf = (reward: number, z: Float32Array, theta: Float32Array) =>
  z.map((each, i) => reward * (each - theta[i]!));

/** A step of length 6 / (t + 2) along the direction. */
function moveAlong({ theta }: MomentumState, direction: Float32Array, t: number): MomentumState {
  const length = Math.sqrt(direction.reduce((sum, each) => sum + each * each, 0));
  const moved = length === 0 ? theta : theta.map((each, i) => each + (6 / (t + 2)) * (direction[i]! / length));
  return { theta: moved, before: theta, direction, t };
}

/** N-PG-IGT, algorithm 2: the gradient is taken ahead of theta, so that old ones count as if they were taken here. */
export function igtStep(state: MomentumState, noise: Float32Array, reward: (z: Float32Array) => number): MomentumState {
  const t = state.t + 1;
  const eta = share(t);
  const ahead = state.theta.map((each, i) => each + ((1 - eta) / eta) * (each - state.before[i]!));
  const z = ahead.map((each, i) => each + noise[i]!);
  const g = gradientOf(reward(z), z, ahead);
  return moveAlong(
    state,
    state.direction.map((each, i) => (1 - eta) * each + eta * g[i]!),
    t,
  );
}

/**
 * N-HARPG, algorithm 3: the direction is carried on by a product with the Hessian at a point between the last two thetas.
 * `noise` is of the gradient's sample, `second` of that point's, `q` in [0, 1] its place.
 */
export function harpgStep(
  state: MomentumState,
  drawn: { readonly noise: Float32Array; readonly second: Float32Array; readonly q: number },
  reward: (z: Float32Array) => number,
): MomentumState {
  const { theta, before } = state;
  const t = state.t + 1;
  const z = theta.map((each, i) => each + drawn.noise[i]!);
  const g = gradientOf(reward(z), z, theta);
  if (t === 1) return moveAlong(state, g, t);
  const eta = share(t);
  const v = theta.map((each, i) => each - before[i]!);
  const u = drawn.second;
  const between = theta.map((each, i) => drawn.q * each + (1 - drawn.q) * before[i]! + u[i]!);
  const along = u.reduce((sum, each, i) => sum + each * v[i]!, 0);
  const found = reward(between);
  const carried = u.map((each, i) => found * (along * each - v[i]!));
  return moveAlong(
    state,
    state.direction.map((each, i) => (1 - eta) * (each + carried[i]!) + eta * g[i]!),
    t,
  );
}
