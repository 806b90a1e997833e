import { defineNode, one } from '../defineNode.ts';

export const scoreConsistency = defineNode({
  type: 'consistency/score',
  version: 1,
  title: 'Score consistency',
  summary: 'Scores how well images keep to a condition image: a row an image, its loss and its metric as columns.',
  source: 'arXiv 2404.07987 (ControlNet++), section 4.1',
  inputs: {
    images: one('images'),
    reference: one('images', { help: 'The condition image: one for all, or one for each image.' }),
    consistency: one('consistency'),
  },
  params: {},
  outputs: { scores: 'scores' },
  async run({ images: { pixels, labels }, reference, consistency }, _params, { progress }) {
    await progress(0);
    const { name, metric } = consistency;
    const columns: ArrayLike<number>[] = [];
    for (const compare of [consistency.loss, consistency.measure]) {
      const values = compare(pixels, reference.pixels); // [N]
      try {
        columns.push(await values.data());
      } finally {
        values.dispose();
      }
    }
    const values = labels.map((_, row) => columns.map((column) => column[row]!));
    return { scores: { names: [`${name} loss`, `${name} ${metric.name}`], values, labels } };
  },
});
