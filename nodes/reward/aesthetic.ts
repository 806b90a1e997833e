import { defineNode } from '../defineNode.ts';
import { loadAesthetic } from '../ml/models/load/loadAesthetic.ts';
import { aestheticReward } from '../ml/rewards/aestheticReward.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { model } from '../params.ts';

export const aesthetic = defineNode({
  type: 'reward/aesthetic',
  version: 1,
  title: 'Aesthetic',
  summary:
    "How beautiful people find an image, whatever its prompt: LAION's predictor on CLIP ViT-L/14. Usually 4 to 7, on a scale from 1 to 10. The weights of the head are under the Apache 2.0 licence, those of CLIP under MIT.",
  source: 'christophschuhmann/improved-aesthetic-predictor; as a reward arXiv 2406.04312',
  inputs: {},
  params: {
    model: model({
      takes: 'aesthetic',
      initial: 'sac+logos+ava1-l14-linearMSE.pth',
      help: 'The head: the published .pth file, or any file of linear layers on the features of the CLIP below.',
    }),
    clip: model({
      takes: 'clip',
      initial: 'openai/clip-vit-large-patch14',
      help: 'The CLIP whose features the head reads; only its vision encoder is loaded.',
    }),
  },
  outputs: { reward: 'reward' },
  files: (params) => [params.model, params.clip],
  run: async (_inputs, { model, clip }, context) => ({
    reward: aestheticReward(await loadAesthetic(context.files, { head: model, clip }, loadOptions(context))),
  }),
});
