import { defineNode } from '../defineNode.ts';
import { number as numberParam } from '../params.ts';

export const number = defineNode({
  type: 'input/number',
  version: 1,
  title: 'Number',
  summary: 'A number that can drive params of several nodes at once.',
  inputs: {},
  params: {
    value: numberParam({
      initial: 0,
      min: -Number.MAX_SAFE_INTEGER,
      max: Number.MAX_SAFE_INTEGER,
      help: 'The number itself.',
    }),
  },
  outputs: { number: 'number' },
  run: (_inputs, { value }) => ({ number: value }),
});
