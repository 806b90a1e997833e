import { defineNode } from '../defineNode.ts';
import { loadClip } from '../ml/models/load/loadClip.ts';
import { clipReward } from '../ml/rewards/clipReward.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { weightOfOne, weightParam } from './shared/weightParam.ts';

export const pickScore = defineNode({
  type: 'reward/pick-score',
  version: 2,
  title: 'PickScore',
  summary:
    'Which image of a prompt people picked on Pick-a-Pic. Usually 18 to 24; the softmax over images of one prompt is the chance of each to be preferred. Its model card states no licence of the weights: see yuvalkirstain/PickScore_v1.',
  source: 'arXiv 2305.01569',
  inputs: {},
  params: {
    model: model({
      takes: 'pick-score',
      initial: 'yuvalkirstain/PickScore_v1',
      help: 'A folder of transformers, a single file, a built-in model of preferences, or the name of a pulled model.',
    }),
    weight: weightParam(0.05),
  },
  upgrades: weightOfOne,
  outputs: { reward: 'reward' },
  files: (params) => [params.model],
  async run(_inputs, { model, weight }, context) {
    const clip = await loadClip(context.files, model, loadOptions(context));
    const reward = clipReward(clip, { name: 'PickScore', scale: 'logits', usualRange: [18, 24] });
    return { reward: { ...reward, weight } };
  },
});
