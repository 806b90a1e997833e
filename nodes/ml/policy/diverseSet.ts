/** F(S) = sum_i max over j in S of K_ij: how well a set stands for all points; 0 for the empty set. */
export function facilityLocation(kernel: readonly (readonly number[])[], set: readonly number[]): number {
  return kernel.reduce((sum, row) => sum + Math.max(0, ...set.map((j) => row[j]!)), 0);
}

/**
 * The points that add most, one after another, and what each adds; of equals the first. At least 1 - 1/e of the best set.
 * Source: SubPO, arXiv 2307.13372, section 3; Nemhauser, Wolsey and Fisher 1978, doi 10.1007/BF01588971
 */
export function pickDiverse(
  kernel: readonly (readonly number[])[],
  count: number,
): { readonly order: readonly number[]; readonly gains: readonly number[] } {
  const order: number[] = [];
  const gains: number[] = [];
  let value = 0;
  while (order.length < Math.min(count, kernel.length)) {
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const j of kernel.keys()) {
      const added = order.includes(j) ? Number.NEGATIVE_INFINITY : facilityLocation(kernel, [...order, j]) - value;
      if (added > most) [best, most] = [j, added];
    }
    order.push(best);
    gains.push(most);
    value += most;
  }
  return { order, gains };
}

/** K_ij = exp(-|x_i - x_j|^2 / 2). */
export function gaussianKernel(points: readonly (readonly number[])[]): number[][] {
  return points.map((a) => points.map((b) => Math.exp(-a.reduce((sum, x, k) => sum + (x - b[k]!) ** 2, 0) / 2)));
}
