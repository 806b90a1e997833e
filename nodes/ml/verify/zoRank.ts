import { linePoints, meanOf, type RankSgdSettings, rankEstimate, rankSgd, rankWeights } from '../optimise/rankSgd.ts';
import type { Family } from './family.ts';

/**
 * ZO-RankSGD on a quadratic worth that stands for the person: the whole search by the product's coroutine, and what it does
 * in each round beside it.
 */
export const zoRank: Family = async (golden) => {
  const read = (name: string) => golden.input(name).data() as Promise<Float32Array<ArrayBuffer>>;
  const [start, target, curvature, perturbations] = (await Promise.all(
    ['in.start', 'in.target', 'in.curvature', 'in.perturbations'].map(read),
  )) as [Float32Array<ArrayBuffer>, Float32Array, Float32Array, Float32Array];
  const { rounds, queries, ranked, smoothing, step } = golden.settings as Record<string, number>;
  const m = queries!;
  const settings: RankSgdSettings = {
    ...{ seed: 0, rounds: rounds!, queries: m, ranked: ranked!, smoothing: smoothing! },
    ...{ step: 'estimate', stepSize: step! * smoothing!, sphere: false },
  };
  const worth = (x: Float32Array) =>
    x.reduce((sum, value, i) => sum - (curvature[i]! * (value - target[i]!) ** 2) / 2, 0);
  const weights = rankWeights(m, ranked!);
  golden.output('out.weights', weights);
  const pairs = (ranked! * (ranked! - 1)) / 2 + ranked! * (m - ranked!);
  golden.output(
    'out.released_weights',
    weights.map((each, place) => each + (place < ranked! ? 1 / pairs : 0)),
  );

  let drawn = 0;
  const search = rankSgd(start, settings, () => perturbations[drawn++]!);
  const rows: Record<string, number[]> = {};
  const add = (name: string, values: ArrayLike<number>) => {
    rows[name] = [...(rows[name] ?? []), ...Array.from(values)];
  };
  let x = start;
  let estimates: Float32Array[] = [];
  search.next([]);
  for (let ask = search.next([worth(x)]); !ask.done; ) {
    const around = ask.value.queries.map(({ noise }) => noise);
    const scores = around.map(worth);
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    add('worth_around', scores);
    add('order', order.slice(0, ranked));
    add('tau', [estimates.length]);
    estimates.push(rankEstimate(x, around, order, ranked!));
    const direction = meanOf(estimates);
    const line = [...linePoints(x, direction, settings), around[order[0]!]!, x];
    const along = line.map(worth);
    const chosen = along.indexOf(Math.max(...along));
    add('estimate', estimates.at(-1)!);
    add('direction', direction);
    for (const point of line) add('line', point);
    add('worth_line', along);
    add('chosen', [chosen]);
    if (chosen < m - 1) {
      x = line[chosen]!;
      estimates = [];
    }
    add('code', x);
    const asked = search.next(scores);
    const tried = asked.done ? [] : asked.value.queries.map(({ noise }) => noise);
    if (tried.length !== m - 2 || tried.some((point, j) => point.some((value, i) => value !== line[j]![i])))
      throw new Error('The search tries other points than those of its functions.');
    ask = search.next(tried.map(worth));
  }
  for (const [name, values] of Object.entries(rows)) golden.output(`out.${name}`, values);
};
