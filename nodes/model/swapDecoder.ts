import { defineNode, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { type LatentDecoder, loadDecoder } from '../ml/models/load/loadDecoder.ts';
import { add, clipByValue, mul, tidy } from '../ml/tf.ts';
import { model } from '../params.ts';
import type { Generator, LoadedFunction } from '../ports.ts';
import { loadOptions } from './shared/loadOptions.ts';

export const swapDecoder = defineNode({
  type: 'model/swap-decoder',
  version: 1,
  title: 'Swap VAE',
  summary:
    'The same generator with the decoder of another VAE: one with fewer flaws, or TAESD, which needs a tenth of the time and memory, for ReNO to use while it optimises.',
  source: 'madebyollin/taesd',
  inputs: { generator: one('generator') },
  params: {
    model: model({
      takes: 'decoder',
      initial: 'madebyollin/taesd',
      help: "A VAE such as sd-vae-ft-mse or sdxl-vae-fp16-fix as a diffusers folder or a single file, TAESD's own decoder file, or the name of a pulled model: taesd for Stable Diffusion 1 and 2, taesdxl for SDXL.",
    }),
  },
  outputs: { generator: 'generator' },
  files: (params) => [params.model],
  async run({ generator }, { model }, context) {
    const decoder = await loadDecoder(context.files, model, generator.latentFormat, loadOptions(context));
    try {
      requireFit(generator, decoder);
    } catch (error) {
      decoder.dispose();
      throw error;
    }
    return { generator: withDecoder(generator, decoder, [generator], decoder.dispose) };
  },
});

/** The generator as it decodes with another decoder. */
function withDecoder(
  generator: Generator,
  decoder: LatentDecoder,
  uses: readonly LoadedFunction[],
  dispose: () => void,
): Generator {
  const { adaptable } = generator;
  /** A generator that only the result knows: it is its to free. */
  const decodedHere = (changed: Generator): Generator =>
    withDecoder(changed, decoder, [own, ...(changed.uses ?? [])], changed.dispose);
  const own: Generator = {
    ...generator,
    name: `${generator.name} with ${decoder.name}`,
    bytes: uses.includes(generator) ? decoder.bytes : generator.bytes,
    uses,
    decode: (latents) => tidy(() => clipByValue(add(mul(decoder.decode(latents), 0.5), 0.5), 0, 1)),
    ...(adaptable && {
      adaptable: {
        ...adaptable,
        adapt: (adapter) => decodedHere(adaptable.adapt(adapter)),
        embed: (embeddings) => decodedHere(adaptable.embed(embeddings)),
      },
    }),
    dispose,
  };
  return own;
}

/** Throws UserError `DOES_NOT_FIT`. */
function requireFit(generator: Generator, decoder: { name: string; channels: number; factor: number }): void {
  const { width, height } = generator.defaults;
  const [, w, channels] = generator.latentShape(width, height);
  if (decoder.channels === channels && decoder.factor === width / w) return;
  throw new UserError(
    'DOES_NOT_FIT',
    `"${decoder.name}" decodes latents of ${decoder.channels} channels, ${decoder.factor} pixels each; "${generator.name}" makes latents of ${channels} channels, ${width / w} pixels each.`,
    { at: { param: 'model' } },
  );
}
