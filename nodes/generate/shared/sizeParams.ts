import type { ParamValues } from '../../defineNode.ts';
import { integer } from '../../params.ts';
import type { Generator } from '../../ports.ts';

const side = integer({
  initial: 0,
  min: 0,
  max: 8192,
  unit: 'pixels',
  words: { model: 0 },
  help: "Of the image; model is the model's own size.",
});

/** The image size, a param of every node that makes noise. */
export const sizeParams = { width: side, height: side };

/** The latents of an image of that size, [h, w, c]. Throws UserError `BAD_SIZE`. */
export function readLatentShape(
  generator: Generator,
  { width, height }: ParamValues<typeof sizeParams>,
): [h: number, w: number, c: number] {
  const { defaults } = generator;
  return generator.latentShape(width || defaults.width, height || defaults.height);
}
