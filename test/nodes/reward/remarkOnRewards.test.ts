import { beforeAll, describe, expect, it } from 'vitest';
import { loadClip } from '../../../nodes/ml/models/load/loadClip.ts';
import { loadImageReward } from '../../../nodes/ml/models/load/loadImageReward.ts';
import { disposeCandidate, drawCandidates } from '../../../nodes/ml/optimise/drawCandidates.ts';
import { noiseObjective } from '../../../nodes/ml/optimise/objective.ts';
import { clipReward } from '../../../nodes/ml/rewards/clipReward.ts';
import { imageRewardReward } from '../../../nodes/ml/rewards/imageRewardReward.ts';
import { mean, type Rank, type Tensor4D, tidy, zeros } from '../../../nodes/ml/tf.ts';
import type { Generator, Reward } from '../../../nodes/ports.ts';
import { augment } from '../../../nodes/reward/augment.ts';
import { combine } from '../../../nodes/reward/combine.ts';
import { score } from '../../../nodes/reward/score.ts';
import { remarkOnLength, remarkOnRewards } from '../../../nodes/reward/shared/remarkOnRewards.ts';
import { weight } from '../../../nodes/reward/weight.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const long = Array.from({ length: 90 }, (_, i) => `dog ${i}`).join(', ');

describe('what rewards do not read of a prompt', () => {
  it('is said by CLIP and by ImageReward, which reads less', async () => {
    const clip = clipReward(await loadClip(diskFiles, goldenFolder('clip-hf/clip')), {
      name: 'CLIP score',
      scale: 'logits',
      usualRange: [20, 45],
    });
    const reader = imageRewardReward(await loadImageReward(diskFiles, goldenFolder('imagereward')));
    for (const reward of [clip, reader]) {
      expect(reward.unreadPart?.('a red dog')).toBe('');
      const unread = reward.unreadPart?.(long) ?? '';
      expect(unread.length).toBeGreaterThan(100);
      expect(long.endsWith(unread)).toBe(true);
    }
    expect(reader.unreadPart!(long).length).toBeGreaterThan(clip.unreadPart!(long).length);
    clip.dispose();
    reader.dispose();
  });

  it('is said by rewards of rewards too', () => {
    const { context } = nodeContext();
    const cutting = (name: string, letters: number): Reward => ({
      name,
      bytes: 0,
      differentiable: false,
      usualRange: [0, 1],
      unreadPart: (prompt) => prompt.slice(letters),
      score: () => expect.fail('Nothing is scored.'),
      dispose: () => {},
    });
    const [short, wide] = [cutting('short', 2), cutting('wide', 4)];
    const weighted = weight.run({ reward: short }, { weight: 2 }, context) as { reward: Reward };
    const augmented = augment.run({ reward: wide }, { views: 1, shift: 0, noise: 0, seed: 0 }, context) as {
      reward: Reward;
    };
    const together = combine.run(
      { rewards: [augmented.reward, weighted.reward] },
      { way: 'mean', weights: '', lambda: 1, calibration: '' },
      context,
    ) as { reward: Reward };
    expect(weighted.reward.unreadPart?.('abcdef')).toBe('cdef');
    expect(augmented.reward.unreadPart?.('abcdef')).toBe('ef');
    expect(together.reward.unreadPart?.('abcdef')).toBe('cdef');
  });

  it('is remarked once for each prompt and reward', () => {
    const remarks: string[] = [];
    const reward = { name: 'CLIP score', unreadPart: (prompt: string) => prompt.slice(3) } as Reward;
    remarkOnLength([reward, { name: 'none' } as Reward], ['abc', 'abcd', 'abcd'], (sentence) => remarks.push(sentence));
    expect(remarks).toEqual([
      'The prompt is longer than "CLIP score" reads; its score knows nothing of this end of it: "d".',
    ]);
  });
});

describe('a prompt with weights', () => {
  const words = 'Rewards read the words of the prompt without its weights and other signs: "a red cat".';
  const settings = { scheduler: 'model', steps: 4, guidanceScale: 1, eta: 0 };
  const told: string[] = [];
  const reward: Reward = {
    name: 'reader',
    bytes: 0,
    differentiable: true,
    usualRange: [0, 1],
    score(pixels, prompts) {
      told.push(...prompts);
      return mean(pixels, [1, 2, 3]);
    },
    dispose: () => {},
  };

  it('is read by the rewards of an optimiser without them, and so it is said', async () => {
    const remarks: string[] = [];
    const latents = zeros<Rank.R4>([1, 2, 2, 3]);
    const generator = {
      name: 'weighing',
      promptStyle: 'comfy',
      // biome-ignore lint/correctness/useYield: there are no steps between.
      *denoise() {
        return latents.clone();
      },
      decode: (x: Tensor4D) => x.clone(),
    } as unknown as Generator;
    const request = { prompts: ['a (red:1.3) cat'], negativePrompt: '', settings, conditions: [] };
    const source = { generator, request, rewards: [reward], watched: [] };
    remarkOnRewards(source, (sentence) => remarks.push(sentence));
    expect(remarks).toEqual([words]);
    told.length = 0;
    const [candidate] = await drawCandidates(source, { latents, seeds: [1] }, async () => {});
    disposeCandidate(candidate!);
    const objective = noiseObjective({ ...source, request: { ...request, noise: { latents, seeds: [1] } } }, 'exact');
    expect(objective.names).toEqual(['The image of "a (red:1.3) cat", seed 1,']);
    tidy(() => void objective.evaluate(latents));
    expect(told).toEqual(['a red cat', 'a red cat']);
    latents.dispose();
  });

  it('is read by Score without them, unless another prompt is given', async () => {
    const { context, remarks } = nodeContext();
    const pixels = zeros<Rank.R4>([1, 2, 2, 3]);
    const images = { pixels, labels: [{ prompt: 'a (red:1.3) cat', words: 'a red cat' }] };
    told.length = 0;
    for (const prompt of [undefined, 'a (red:1.3) cat', 'a (blue:2) dog'])
      await score.run({ images, rewards: [reward], prompt }, {}, context);
    expect(told).toEqual(['a red cat', 'a red cat', 'a (blue:2) dog']);
    expect(remarks).toEqual([words, words]);
    pixels.dispose();
  });
});
