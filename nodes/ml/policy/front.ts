/**
 * What extends a front along objective `l`: -(G_l + mean over the others of ln(G_j - keep G0_j) / t), and its gradient with
 * respect to the objectives G; infinite where another objective falls to its bound. Source: C-MORL, arXiv 2410.02236,
 * equation 6, as a log barrier (interior point)
 *
 *   G0     the objectives before;  keep   the share of them that must be kept;  t   sharpness of the barrier
 */
export function extensionLoss(
  objectives: readonly number[],
  before: readonly number[],
  l: number,
  { keep, t }: { readonly keep: number; readonly t: number },
): { readonly loss: number; readonly gradient: readonly number[] } {
  const others = objectives.length - 1;
  const room = objectives.map((value, j) => value - keep * before[j]!);
  if (room.some((each, j) => j !== l && each <= 0))
    return { loss: Number.POSITIVE_INFINITY, gradient: objectives.map(() => 0) };
  const barrier = room.reduce((sum, each, j) => sum + (j === l ? 0 : Math.log(each)), 0);
  return {
    loss: -(objectives[l]! + barrier / (t * others)),
    gradient: room.map((each, j) => (j === l ? -1 : -1 / (t * others * each))),
  };
}

/** The mean over `count` weights of what the best point of a front of two objectives is worth. Source: arXiv 2410.02236 */
export function expectedUtility(front: readonly (readonly number[])[], count = 101): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = i / (count - 1);
    sum += Math.max(...front.map(([a, b]) => weight * a! + (1 - weight) * b!));
  }
  return sum / count;
}
