import { defineNode } from '../defineNode.ts';
import { loadClip } from '../ml/models/load/loadClip.ts';
import { type ClipScale, clipReward, clipScales } from '../ml/rewards/clipReward.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { choice, model } from '../params.ts';
import { weightOfOne, weightParam } from './shared/weightParam.ts';

export const clipScore = defineNode({
  type: 'reward/clip-score',
  version: 2,
  title: 'CLIP score',
  summary:
    'How well an image fits its prompt, by any CLIP. As logits usually 20 to 45. The weights of laion/CLIP-ViT-H-14-laion2B-s32B-b79K and of OpenAI are under the MIT licence.',
  source: 'arXiv 2103.00020; as a reward arXiv 2406.04312; CLIPScore arXiv 2104.08718',
  inputs: {},
  params: {
    model: model({
      takes: 'clip',
      initial: 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
      help: 'A CLIP: a built-in one, a folder of transformers or open_clip, a single file, or the name of a pulled model.',
    }),
    scale: choice({
      initial: 'logits',
      options: clipScales,
      help: 'Logits: about 100 times the cosine, as ReNO. Cosine: as ImageReward reports it. CLIPScore: 2.5 max(cosine, 0) of "A photo depicts ...".',
    }),
    weight: weightParam(0.01, ' for logits; 1 is as much for cosines'),
  },
  upgrades: weightOfOne,
  outputs: { reward: 'reward' },
  files: (params) => [params.model],
  async run(_inputs, { model, scale, weight }, context) {
    const clip = await loadClip(context.files, model, loadOptions(context));
    const reward = clipReward(clip, { name: 'CLIP score', scale, usualRange: usualRanges[scale] });
    return { reward: { ...reward, weight } };
  },
});

const usualRanges: Readonly<Record<ClipScale, readonly [number, number]>> = {
  logits: [20, 45],
  cosine: [0.2, 0.45],
  clipscore: [0.5, 1.1],
};
