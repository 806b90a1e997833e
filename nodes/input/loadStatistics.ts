import { defineNode } from '../defineNode.ts';
import { solverParams } from '../generate/shared/solverParams.ts';
import { readStatistics } from '../ml/diffusion/statisticsFiles.ts';
import { file } from '../params.ts';

export const loadStatistics = defineNode({
  type: 'input/load-statistics',
  version: 1,
  title: 'Load statistics',
  summary: 'Solver statistics of a model for the scheduler dpm-v3, from the files of Save statistics or of the paper.',
  source: 'DPM-Solver-v3, arXiv 2310.13268',
  inputs: {},
  params: {
    l: file({ initial: '', accept: ['npz'], help: 'The file l.npz: the linear coefficient.' }),
    sb: file({ initial: '', accept: ['npz'], help: 'The file sb.npz: scale and bias.' }),
    ...solverParams,
  },
  outputs: { statistics: 'statistics' },
  files: ({ l, sb }) => [l, sb],
  run: async (_inputs, { l, sb, order, corrector }, { files }) => ({
    statistics: { ...(await readStatistics(files, { l, sb })), order, corrector },
  }),
});
