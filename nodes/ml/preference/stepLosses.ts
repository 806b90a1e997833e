import {
  add,
  clipByValue,
  exp,
  gather,
  log,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  type Scalar,
  softplus,
  square,
  sub,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
} from '../tf.ts';

/*
 * Losses on steps of the sampler: of log probabilities of `stepLogProb`, [N] one a step. All are differentiable in them.
 */

/**
 * DPO on pairs of steps, with clipped ratios, which have no gradient beyond their bounds:
 * -log sigmoid(beta (ln clip(rho_w, 1 +- epsilon) - ln clip(rho_l, 1 +- epsilon))), rho = exp(log p - log p_ref), [P] each.
 * Source: D3PO, arXiv 2311.13231, equation 13, and its code; SPO, arXiv 2406.04314, equation 8, on single steps
 */
export function stepDpo(
  winner: Tensor1D,
  loser: Tensor1D,
  { beta, epsilon }: { readonly beta: number; readonly epsilon: number },
): Scalar {
  const clipped = (logRatio: Tensor1D) => log(clipByValue(exp(logRatio), 1 - epsilon, 1 + epsilon));
  return mean(softplus(mul(sub(clipped(winner), clipped(loser)), -beta)));
}

/** Advantages beyond this count as much. */
const LARGEST_ADVANTAGE = 5;

/**
 * mean max(-A rho, -A clip(rho, 1 +- clip)), rho = exp(log p - log p_old): the clipped policy gradient, A at most 5.
 * Source: DDPO, arXiv 2305.13301, section 4.3; PPO, arXiv 1707.06347, equation 7
 */
export function ddpo(logProb: Tensor1D, old: Tensor1D, advantages: Tensor1D, clip: number): Scalar {
  const ratio = exp(sub(logProb, old));
  const cost = neg(clipByValue(advantages, -LARGEST_ADVANTAGE, LARGEST_ADVANTAGE));
  return mean(maximum(mul(cost, ratio), mul(cost, clipByValue(ratio, 1 - clip, 1 + clip))));
}

/** DDPO + weight mean KL of `stepKl`. Source: DPOK, arXiv 2305.16381, equation 9 */
export function dpok(
  logProb: Tensor1D,
  old: Tensor1D,
  advantages: Tensor1D,
  kl: Tensor1D,
  { clip, klWeight }: { readonly clip: number; readonly klWeight: number },
): Scalar {
  return add(ddpo(logProb, old, advantages, clip), mul(mean(kl), klWeight));
}

/**
 * Regresses reward differences: mean over pairs of trajectories with r_a > r_b of max((d - dr / beta)^2, the same clipped),
 * d the difference of r-hat = mean over steps of log p - log p_ref, clipped to each step's old value +- clip. Log probabilities
 * [trajectories, steps] of one prompt. 0 where all rewards are equal. Source: PRDP, arXiv 2402.08714, equations 14 to 21
 */
export function prdp(
  logProb: Tensor2D,
  {
    reference,
    old,
    rewards,
    beta,
    clip,
  }: {
    readonly reference: Tensor2D;
    readonly old: Tensor2D;
    readonly rewards: readonly number[];
    readonly beta: number;
    readonly clip: number;
  },
): Scalar {
  const pairs = rewards.flatMap((a, i) => rewards.flatMap((b, j) => (a > b ? [[i, j, a - b] as const] : [])));
  const ratio = sub<Tensor2D>(logProb, reference);
  const before = sub<Tensor2D>(old, reference);
  if (pairs.length === 0) return mul(mean(ratio), 0);
  const near = minimum(maximum(sub(before, clip), ratio), add(before, clip)) as Tensor2D;
  const [better, worse] = [0, 1].map((side) =>
    tensor1d(
      pairs.map((pair) => pair[side]!),
      'int32',
    ),
  ) as [Tensor1D, Tensor1D];
  const wanted = tensor1d(pairs.map(([, , gap]) => gap / beta));
  const distance = (estimate: Tensor2D) => {
    const value = mean(estimate, 1);
    return square(sub(sub(gather(value, better), gather(value, worse)), wanted));
  };
  return mean(maximum(distance(ratio), distance(near)));
}
