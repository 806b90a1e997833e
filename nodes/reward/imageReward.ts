import { defineNode } from '../defineNode.ts';
import { loadImageReward } from '../ml/models/load/loadImageReward.ts';
import { imageRewardReward } from '../ml/rewards/imageRewardReward.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';
import { weightParam } from './shared/weightParam.ts';

export const imageReward = defineNode({
  type: 'reward/image-reward',
  version: 1,
  title: 'ImageReward',
  summary:
    'How people would rate an image for its prompt, by a transformer that attends to the image while it reads the first 35 tokens. Usually -2 to 2, standardised: 0 is average. The weights are under the Apache 2.0 licence.',
  source: 'arXiv 2304.05977',
  inputs: {},
  params: {
    model: model({
      takes: 'image-reward',
      initial: 'THUDM/ImageReward',
      help: "A folder with ImageReward.pt and med_config.json, a .pt or .safetensors file, or the name of a pulled model. BERT's vocabulary comes from beside it or from google-bert/bert-base-uncased.",
    }),
    weight: weightParam(1),
  },
  outputs: { reward: 'reward' },
  files: (params) => [params.model],
  async run(_inputs, { model, weight }, context) {
    const reward = imageRewardReward(await loadImageReward(context.files, model, loadOptions(context)));
    return { reward: { ...reward, weight } };
  },
});
