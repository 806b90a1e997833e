import { defineNode, many, one, optional } from '../defineNode.ts';
import { scoreImages } from '../ml/image/scoreImages.ts';
import { wordsOf } from '../ml/text/plainPrompt.ts';
import { remarkOnLength, remarkOnWords } from './shared/remarkOnRewards.ts';

export const score = defineNode({
  type: 'reward/score',
  version: 1,
  title: 'Score',
  summary: 'Scores images by one or more rewards: a row an image, a column a reward.',
  inputs: {
    images: one('images'),
    rewards: many('reward', { min: 1 }),
    prompt: optional('text', { help: 'What the images should show; without it, what each was drawn from.' }),
  },
  params: {},
  outputs: { scores: 'scores' },
  async run({ images, rewards, prompt }, _params, { progress, remark }) {
    await progress(0);
    const prompts = images.labels.map((label) => wordsOf(label, prompt));
    remarkOnLength(rewards, prompts, remark);
    remarkOnWords(
      images.labels.filter((label) => label.words !== undefined && (prompt ?? label.prompt) === label.prompt),
      remark,
    );
    const { labels, pixels } = images;
    return {
      scores: { names: rewards.map(({ name }) => name), values: await scoreImages(rewards, pixels, prompts), labels },
    };
  },
});
