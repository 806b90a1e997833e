import { defineNode, one } from '../defineNode.ts';
import { writeStatistics } from '../ml/diffusion/statisticsFiles.ts';

export const saveStatistics = defineNode({
  type: 'output/save-statistics',
  version: 1,
  title: 'Save statistics',
  summary:
    'Writes solver statistics as l.npz and sb.npz, (grid + 1) x c x h x w each, as those of the paper are published.',
  source: 'DPM-Solver-v3, arXiv 2310.13268',
  inputs: { statistics: one('statistics') },
  params: {},
  outputs: {},
  run({ statistics }, _params, { save }) {
    for (const [name, bytes] of Object.entries(writeStatistics(statistics)))
      save({ name, mime: 'application/zip', bytes });
  },
});
