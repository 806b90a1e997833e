import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { tensor1d } from '../ml/tf.ts';
import { judgeImage } from '../ml/world/judgeImage.ts';
import { parsePrompt } from '../ml/world/parsePrompt.ts';
import { SCENE_SIZE } from '../ml/world/scene.ts';

export const worldTruth = defineNode({
  type: 'reward/world-truth',
  version: 1,
  title: 'World truth (oracle)',
  summary:
    'An oracle for the built-in world of shapes: finds the objects of a 64x64 image and scores 1 where all that the prompt asks for is there, else the mean over its conditions of how far each is met. No gradient; what it scores must not be reported as evaluation of an image that was optimised for it.',
  source: 'GenEval, arXiv 2310.11513, with an exact detector for this world',
  inputs: {},
  params: {},
  outputs: { reward: 'reward' },
  run: () => ({
    reward: {
      name: 'world truth (oracle)',
      bytes: 0,
      differentiable: false,
      usualRange: [0, 1] as const,
      score(pixels, prompts) {
        for (const prompt of prompts) parsePrompt(prompt);
        const [count, height, width] = pixels.shape;
        if (height !== SCENE_SIZE || width !== SCENE_SIZE)
          throw new UserError(
            'BAD_SIZE',
            `World truth got images of ${width}x${height} pixels; it knows the built-in world's ${SCENE_SIZE}x${SCENE_SIZE} only.`,
          );
        const values = pixels.dataSync();
        const size = values.length / count;
        const scores = prompts.map(
          (prompt, i) => judgeImage(values.subarray(i * size, (i + 1) * size), prompt).satisfied,
        );
        return tensor1d(scores);
      },
      dispose: () => {},
    },
  }),
});
