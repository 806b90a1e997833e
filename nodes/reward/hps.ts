import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { type Files, joinPath } from '../files.ts';
import { loadClip } from '../ml/models/load/loadClip.ts';
import { clipReward } from '../ml/rewards/clipReward.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { choice, model } from '../params.ts';
import { weightOfOne, weightParam } from './shared/weightParam.ts';

const variants = ['v2.1', 'v2'] as const;

export const hps = defineNode({
  type: 'reward/hps',
  version: 2,
  title: 'HPSv2',
  summary:
    'Human Preference Score: which image of a prompt people would prefer. Usually 0.20 to 0.35; scores of v2 and v2.1 do not compare. Images are cut to their centre square, as ReNO does. The weights are under the Apache 2.0 licence.',
  source: 'arXiv 2306.09341',
  inputs: {},
  params: {
    model: model({
      takes: 'hps',
      initial: 'xswu/HPSv2',
      help: 'A folder with HPS_v2.1_compressed.pt, that file itself, another CLIP of preferences, or the name of a pulled model.',
    }),
    variant: choice({
      initial: 'v2.1',
      options: variants,
      help: 'Which file of the folder, where it holds several: HPS_v2.1_compressed.pt or HPS_v2_compressed.pt.',
    }),
    weight: weightParam(5),
  },
  upgrades: weightOfOne,
  outputs: { reward: 'reward' },
  files: (params) => [params.model],
  async run(_inputs, { model, variant, weight }, context) {
    const place = await locateWeights(context.files, model, variant);
    const clip = await loadClip(context.files, place, loadOptions(context));
    const reward = clipReward(clip, { name: `HPS${variant}`, scale: 'cosine', usualRange: [0.2, 0.35] });
    return { reward: { ...reward, weight } };
  },
});

/** The variant's file, where the location is a folder that holds published ones; else the location as it is. */
async function locateWeights(files: Files, location: string, variant: (typeof variants)[number]): Promise<string> {
  const path = await files.locate(location);
  const published = variants.map((each) => `HPS_${each}_compressed.pt`);
  const found = ((await files.list(path)) ?? []).filter((name) => published.includes(name));
  if (found.length === 0) return path;
  const wanted = `HPS_${variant}_compressed.pt`;
  if (found.includes(wanted)) return joinPath(path, wanted);
  throw new UserError('NOT_FOUND', `"${path}" has no ${wanted}; it holds ${found.join(' and ')}. Set the variant.`);
}
