import { cleanLatents } from '../../nodes/ml/diffusion/drawDifferentiable.ts';
import { dispose } from '../../nodes/ml/tf.ts';
import { compare } from './speed/against.ts';
import { measure, median, printFigures, printJson, printOperations, secondsOfProduct, timed } from './speed/figures.ts';
import { withSubject } from './speed/subject.ts';

/*
 * What one image takes without a gradient, and each network in it: text encoder, U-Net (one step of denoising), decoder
 * of the VAE, CLIP on images. Prints a table, then the same as JSON.
 *
 *   npm run bench -- forward [--model FOLDER] [--reward FOLDER] [--device NAME] [--rounds N] [--ops] [--against CMD]
 *
 * For `--against` an iteration is an image of one step and its score, its prompt already encoded.
 */
await withSubject(async (subject) => {
  const generator = await subject.loadGenerator();
  const { clip, reward } = await subject.loadReward();
  const request = subject.request(generator, 1);
  const one = { ...request, settings: { ...request.settings, steps: 1 } };
  const latents = cleanLatents(generator, one);
  const pixels = generator.decode(latents);
  const whole = () => {
    const drawn = cleanLatents(generator, one);
    const image = generator.decode(drawn);
    const score = reward.score(image, one.prompts);
    dispose([drawn, image]);
    return score;
  };
  const works = {
    'text encoder of CLIP': () => clip.encodePrompts(one.prompts),
    'U-Net, one step': () => cleanLatents(generator, one),
    decoder: () => generator.decode(latents),
    'CLIP score': () => reward.score(pixels, one.prompts),
    'whole image': whole,
  };
  const figures = await measure(works, subject.rounds);
  printFigures(figures);
  if (subject.ops) printOperations(figures);
  const seconds = async () => (await timed(whole)).seconds;
  const comparison = await compare('forward', subject, async () =>
    median([await seconds(), await seconds(), await seconds()]),
  );
  const matMulGflops = 1e-9 / (await secondsOfProduct());
  printJson({ bench: 'forward', matMulGflops, figures, comparison });
  dispose([request.noise.latents, latents, pixels]);
});
