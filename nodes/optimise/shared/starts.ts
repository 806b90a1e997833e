import { noiseStreams } from '../../ml/noiseStream.ts';
import { disposeSnapshot, type RowResult } from '../../ml/optimise/rowState.ts';
import { latentNoise } from '../../ml/random.ts';
import { concat, gather, slice, type Tensor4D, tidy } from '../../ml/tf.ts';
import type { Noise, SampleRequest } from '../../ports.ts';

/** Between the seeds of an image's starts: far from those of images beside it. Noise depends on the last 32 bits of a seed. */
export const SEED_STRIDE = 1_000_003;

/**
 * The request with `starts` rows for each of its own: first its own noise, then plain noise of seeds that follow from its
 * seed. The caller disposes of `tensors`, which it owns.
 */
export function addStarts(request: SampleRequest, starts: number): { request: SampleRequest; tensors: Tensor4D[] } {
  if (starts === 1) return { request, tensors: [] };
  const { noise, prompts, conditions } = request;
  const tensors: Tensor4D[] = [];
  const keep = (tensor: Tensor4D): Tensor4D => {
    tensors.push(tensor);
    return tensor;
  };
  const times = <Item>(items: readonly Item[]) => items.flatMap((item) => Array.from({ length: starts }, () => item));
  const rows = times(noise.seeds.map((_, i) => i));
  const repeated = (x: Tensor4D) => (x.shape[0] === 1 ? x : keep(tidy(() => gather(x, rows))));
  return {
    request: {
      ...request,
      noise: { latents: keep(startLatents(noise, starts)), ...startStreams(noise, starts) },
      prompts: prompts.length === 1 ? prompts : times(prompts),
      conditions: conditions.map((condition) => ({
        ...condition,
        image: repeated(condition.image),
        ...(condition.map && { map: repeated(condition.map) }),
      })),
    },
    tensors,
  };
}

/** Seeds of all starts, in [0, 2^53): those of the first image, then those of the second ... */
function startSeeds(seeds: readonly number[], starts: number): number[] {
  const rest = (offset: number) => 2 ** 53 - offset;
  const move = (seed: number, offset: number) => (seed < rest(offset) ? seed + offset : seed - rest(offset));
  return seeds.flatMap((seed) => Array.from({ length: starts }, (_, k) => move(seed, k * SEED_STRIDE)));
}

/** The first start of an image goes on with its stream, the others with diffusers' numbers of their seeds. */
function startStreams({ seeds, streams }: Noise, starts: number): Pick<Noise, 'seeds' | 'streams'> {
  const all = startSeeds(seeds, starts);
  if (!streams) return { seeds: all };
  const own = (row: number) => (row % starts === 0 ? streams[row / starts] : undefined);
  return { seeds: all, streams: all.map((seed, row) => own(row) ?? noiseStreams('a1111-cpu', seed, 1)[0]!) };
}

function startLatents({ latents, seeds }: Noise, starts: number): Tensor4D {
  const [, height, width, channels] = latents.shape;
  return tidy(() =>
    concat(
      seeds.flatMap((seed, i) => [
        slice(latents, [i, 0, 0, 0], [1, -1, -1, -1]),
        latentNoise(startSeeds([seed], starts).slice(1), [height, width, channels]),
      ]),
      0,
    ),
  );
}

/**
 * Of every `starts` successive rows the one whose best total is the highest, with the first snapshot of its first row: what
 * was there before. The snapshots of all others are disposed of. `chosen`: the indices of the rows that were kept.
 */
export function keepBestStarts(rows: readonly RowResult[], starts: number): { rows: RowResult[]; chosen: number[] } {
  const chosen: number[] = [];
  const kept: RowResult[] = [];
  for (let start = 0; start < rows.length; start += starts) {
    const group = rows.slice(start, start + starts);
    const best = group.reduce((most, { best }, i) => (best.total > group[most]!.best.total ? i : most), 0);
    for (const [i, { first, best: each }] of group.entries()) {
      if (i !== 0) disposeSnapshot(first);
      if (i !== best) disposeSnapshot(each);
    }
    chosen.push(start + best);
    kept.push({ ...group[best]!, first: group[0]!.first });
  }
  return { rows: kept, chosen };
}
