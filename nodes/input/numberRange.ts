import { defineNode, list } from '../defineNode.ts';
import { integer, number } from '../params.ts';

const largest = Number.MAX_SAFE_INTEGER;

export const numberRange = defineNode({
  type: 'input/number-range',
  version: 1,
  title: 'Number range',
  summary: 'Evenly spaced numbers, such as seeds or guidance scales; the nodes behind it run once for each.',
  inputs: {},
  params: {
    first: number({ initial: 0, min: -largest, max: largest, help: 'The first number.' }),
    step: number({ initial: 1, min: -largest, max: largest, help: 'How much each number is above the one before it.' }),
    count: integer({ initial: 4, min: 1, max: 10_000, help: 'How many numbers.' }),
  },
  outputs: { numbers: list('number') },
  run: (_inputs, { first, step, count }) => ({ numbers: Array.from({ length: count }, (_, i) => first + i * step) }),
});
