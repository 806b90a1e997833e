import { optional } from '../../defineNode.ts';
import { UserError } from '../../errors.ts';
import type { SampleSettings, Statistics } from '../../ports.ts';

/** An input of the nodes that draw images. */
export const statisticsInput = optional('statistics', {
  help: 'What the scheduler dpm-v3 knows of this generator, see Solver statistics; without it, it is DPM-Solver++.',
});

/**
 * The part of a request that statistics are, with a remark where they say nothing. Throws UserError `DOES_NOT_FIT` where they
 * are of another size than the latents [h, w, c].
 */
export function readStatistics(
  statistics: Statistics | undefined,
  { scheduler }: SampleSettings,
  latents: readonly number[],
  remark: (sentence: string) => void,
): { statistics?: Statistics } {
  if (!statistics) {
    if (scheduler === 'dpm-v3')
      remark(
        'The scheduler dpm-v3 has no statistics of this model and is DPM-Solver++ of second order: connect Solver statistics.',
      );
    return {};
  }
  if (scheduler !== 'dpm-v3') remark(`The scheduler ${scheduler} reads no solver statistics: choose dpm-v3.`);
  const fits = statistics.shape.every((side, axis) => side === latents[axis] || (side === 1 && axis < 2));
  if (fits) return { statistics };
  throw new UserError(
    'DOES_NOT_FIT',
    `The solver statistics are of latents of ${statistics.shape.join(' x ')}, and these are ${latents.join(' x ')} (height, width, channels): estimate them for this model and size, or share them over all places.`,
    { at: { port: 'statistics' } },
  );
}
