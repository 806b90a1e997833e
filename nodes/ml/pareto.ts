/** Scores of one candidate, one number an objective; higher is better. */
export type Point = readonly number[];

/**
 * Whether a is at least as good as b in every objective and better in one.
 * Source: arXiv 2401.05675, section 4.2; Deb et al. 2002, doi 10.1109/4235.996017.
 */
export function dominates(a: Point, b: Point): boolean {
  return a.every((value, k) => value >= b[k]!) && a.some((value, k) => value > b[k]!);
}

/** Indices, ascending, of the points that no other point dominates; of equal points all are kept. O(N^2 K). */
export function nonDominated(points: readonly Point[]): number[] {
  return points.flatMap((point, i) => (points.some((other) => dominates(other, point)) ? [] : [i]));
}

/**
 * How much room a point of a front has: the sum over objectives of the distance between its two neighbours, in units of
 * the front's extent; infinite at the ends of each objective.
 * Source: NSGA-II, Deb et al. 2002, doi 10.1109/4235.996017, section III-B.
 *
 * @returns one number a point, in the order of the points
 */
export function crowdingDistance(front: readonly Point[]): number[] {
  const distances = front.map(() => 0);
  for (let k = 0; k < (front[0]?.length ?? 0); k++) {
    const order = front.map((_, i) => i).sort((a, b) => front[a]![k]! - front[b]![k]!);
    const at = (place: number) => front[order[place]!]![k]!;
    const extent = at(order.length - 1) - at(0);
    for (const [place, i] of order.entries()) {
      const isEnd = place === 0 || place === order.length - 1;
      if (isEnd) distances[i] = Number.POSITIVE_INFINITY;
      else if (extent > 0) distances[i]! += (at(place + 1) - at(place - 1)) / extent;
    }
  }
  return distances;
}

/**
 * How balanced a point of a front is, in [0, 1]: the least of its objectives, each in units of the front's extent (0 the
 * worst of the front, 1 the best). The knee is where this is largest. An objective in which all are equal does not count.
 */
export function balance(front: readonly Point[]): number[] {
  const extents = (front[0] ?? []).map((_, k) => {
    const column = front.map((point) => point[k]!);
    return [Math.min(...column), Math.max(...column)] as const;
  });
  return front.map((point) =>
    Math.min(1, ...point.map((value, k) => scaled(value, extents[k]!)).filter((value) => !Number.isNaN(value))),
  );
}

const scaled = (value: number, [low, high]: readonly [number, number]) => (value - low) / (high - low);

/**
 * The volume that is dominated by some point and lies above the reference point in every objective, exactly. Points that
 * do not beat the reference point in every objective add nothing. Meant for up to five objectives and a few hundred points.
 * Source: WFG algorithm, While, Bradstreet and Barone 2012, doi 10.1109/TEVC.2010.2077298.
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const above = points.filter((point) => point.every((value, k) => value > reference[k]!));
  const front = uniqueFront(above).sort((a, b) => b[0]! - a[0]!);
  return front.reduce((sum, point, i) => {
    const limited = front.slice(i + 1).map((other) => other.map((value, k) => Math.min(value, point[k]!)));
    const box = point.reduce((product, value, k) => product * (value - reference[k]!), 1);
    return sum + box - hypervolume(limited, reference);
  }, 0);
}

/** The front without its repetitions. */
function uniqueFront(points: readonly Point[]): Point[] {
  const front = nonDominated(points).map((i) => points[i]!);
  return front.filter((point, i) => !front.slice(0, i).some((other) => other.every((value, k) => value === point[k])));
}

/**
 * How far apart neighbours of a front lie: the sum over objectives of the squared gaps between successive values, over
 * N - 1; 0 for fewer than two points. Lower is denser. Source: C-MORL, arXiv 2410.02236 (sparsity), and its code.
 */
export function sparsity(front: readonly Point[]): number {
  if (front.length < 2) return 0;
  const gaps = (front[0] ?? []).flatMap((_, k) => {
    const column = front.map((point) => point[k]!).sort((a, b) => a - b);
    return column.slice(1).map((value, i) => (value - column[i]!) ** 2);
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / (front.length - 1);
}
