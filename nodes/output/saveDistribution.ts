import { defineNode, one } from '../defineNode.ts';
import { type Tensor3D, transpose } from '../ml/tf.ts';
import { writeSafetensors } from '../ml/weights/writeSafetensors.ts';
import { fileName } from '../params.ts';

export const saveDistribution = defineNode({
  type: 'output/save-distribution',
  version: 1,
  title: 'Save distribution',
  summary:
    'Writes a distribution of noise as a safetensors file with its mean and std, [1, c, h, w] each, and the prompt it was learned for.',
  source: 'arXiv 2407.19453',
  inputs: { distribution: one('distribution') },
  params: { name: fileName({ initial: 'distribution', help: 'Name of the file, without ending.' }) },
  outputs: {},
  async run({ distribution: { mean, std, prompt } }, { name }, { save }) {
    const tensors = new Map([
      ['mean', await storedAs(mean)],
      ['std', await storedAs(std)],
    ]);
    const bytes = writeSafetensors(tensors, { prompt });
    save({ name: `${name}.safetensors`, mime: 'application/octet-stream', bytes });
  },
});

async function storedAs(latents: Tensor3D) {
  const [h, w, c] = latents.shape;
  const planes = transpose(latents, [2, 0, 1]);
  try {
    return { dtype: 'F32', shape: [1, c, h, w], values: (await planes.data()) as Float32Array } as const;
  } finally {
    planes.dispose();
  }
}
