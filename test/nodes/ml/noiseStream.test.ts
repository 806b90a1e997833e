import { beforeAll, describe, expect, it } from 'vitest';
import { brownianTree } from '../../../nodes/ml/brownianTree.ts';
import { sampleImages } from '../../../nodes/ml/diffusion/sampleImages.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { freshNoise, type NoiseProgram, noiseStreams, startNoise } from '../../../nodes/ml/noiseStream.ts';
import { philox } from '../../../nodes/ml/philox.ts';
import { seedSequence } from '../../../nodes/ml/seedSequence.ts';
import type { Tensor4D } from '../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';

beforeAll(async () => void (await openTestDevice()));

describe('streams of numbers', () => {
  it('Philox 4x32-10 gives the words of its authors', () => {
    // Random123, examples/kat_vectors
    const ones = 0xffffffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  });

  it('a seed sequence gives the words of numpy', () => {
    // numpy.random.SeedSequence(0xdeadbeef).generate_state(4)
    expect([...seedSequence(0xdeadbeef, [], 4, 4)]).toEqual([709080169, 2484651875, 4036868398, 3967428860]);
    // numpy.random.SeedSequence(12345678901234, spawn_key=(5, 3), pool_size=24).generate_state(3)
    expect([...seedSequence(12345678901234, [5, 3], 24, 3)]).toEqual([1934182032, 3514538631, 2989841709]);
  });

  it('a Brownian motion adds up, whatever is asked first', () => {
    const tree = () => brownianTree(3, 0.03, 14.6, 40);
    const [whole, first, second] = [tree()(14.6, 0.03), tree()(14.6, 2.5), tree()(2.5, 0.03)];
    const one = tree();
    const again = [one(2.5, 0.03), one(14.6, 2.5)];
    expect(again).toEqual([second, first]);
    for (const [i, value] of whole.entries()) expect(first[i]! + second[i]!).toBeCloseTo(value, 4);
    const upwards = one(2.5, 14.6);
    expect([...upwards]).toEqual([...first].map((value) => -value));
    const variance = first.reduce((sum, value) => sum + value ** 2, 0) / 40 / (14.6 - 2.5);
    expect(variance).toBeGreaterThan(0.5);
    expect(variance).toBeLessThan(2);
  });
});

describe('images drawn with the noise of other programs', () => {
  guardLeaks();
  const programs: readonly NoiseProgram[] = ['comfyui', 'a1111-cpu', 'a1111-gpu'];

  it.each(
    programs.flatMap((program) =>
      ['euler-ancestral', 'dpm++sde', 'dpm++2m-sde'].map((sampler) => [program, sampler] as const),
    ),
  )('%s, %s: are the same in any batch, and depend on the program', async (program, scheduler) => {
    const generator = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'));
    const streams = noiseStreams(program, 5, 3);
    const settings = { scheduler, schedule: 'karras', steps: 3, guidanceScale: 1, eta: 0 };
    const draw = (rows: readonly number[], own: boolean): number[] => {
      const chosen = rows.map((row) => streams[row]!);
      const latents = startNoise(chosen, [4, 4, 4]);
      const noise = { latents, seeds: chosen.map(({ seed }) => seed), ...(own && { streams: chosen }) };
      const steps = generator.denoise({ noise, prompts: ['a red dog'], negativePrompt: '', settings, conditions: [] });
      for (;;) {
        const { done, value } = steps.next();
        if (!done) continue;
        const values = [...(value as Tensor4D).dataSync()];
        latents.dispose();
        value.dispose();
        return values;
      }
    };
    const all = draw([0, 1, 2], true);
    const alone = [0, 1, 2].flatMap((row) => draw([row], true));
    for (const [i, value] of alone.entries()) expect(value).toBeCloseTo(all[i]!, 2);
    const isOfDiffusers = program === 'a1111-cpu' && scheduler === 'euler-ancestral'; // which go on alike
    if (isOfDiffusers) expect(draw([0, 1, 2], false)).toEqual(all);
    else expect(draw([0, 1, 2], false)).not.toEqual(all);
    generator.dispose();
  });

  it('ComfyUI: are the same however many are drawn at once', async () => {
    const generator = await loadGenerator(diskFiles, goldenFolder('tiny-sd15'));
    const streams = noiseStreams('comfyui', 5, 3);
    const noise = { latents: startNoise(streams, [4, 4, 4]), seeds: [5, 5, 5], streams };
    const settings = { scheduler: 'dpm++sde', schedule: 'karras', steps: 2, guidanceScale: 1, eta: 0 };
    const request = { noise, prompts: ['a red dog'], negativePrompt: '', settings, conditions: [] };
    const images = [];
    for (const batch of [3, 2]) {
      const { pixels } = await sampleImages(generator, request, batch, async () => {});
      images.push([...pixels.dataSync()]);
      pixels.dispose();
    }
    for (const [i, value] of images[0]!.entries()) expect(images[1]![i]).toBeCloseTo(value, 3);
    noise.latents.dispose();
    generator.dispose();
  });

  it('ComfyUI draws for the batch, A1111 for each image', () => {
    const increments = (program: NoiseProgram, count: number) => {
      const tensor = freshNoise(noiseStreams(program, 5, count), [4, 4, 4], [0.1, 10]).between!(10, 1);
      const values = [...tensor.dataSync()];
      tensor.dispose();
      return { first: values.slice(0, 64), last: values.slice(-64) };
    };
    const [image, batch] = [increments('a1111-cpu', 2), increments('comfyui', 2)];
    expect(batch.first).toEqual(image.first); // both begin with the same seed
    expect(batch.last).not.toEqual(image.last);
    expect(increments('a1111-cpu', 1).first).toEqual(image.first);
  });
});
