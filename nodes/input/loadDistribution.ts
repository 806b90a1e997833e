import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { tensor3d, tidy, transpose } from '../ml/tf.ts';
import type { Checkpoint } from '../ml/weights/checkpoint.ts';
import { openSafetensors } from '../ml/weights/safetensors.ts';
import { file } from '../params.ts';
import type { Distribution } from '../ports.ts';

export const loadDistribution = defineNode({
  type: 'input/load-distribution',
  version: 1,
  title: 'Load distribution',
  summary: 'A distribution of noise from a safetensors file that holds its mean and std, [1, c, h, w] each.',
  source: 'arXiv 2407.19453',
  inputs: {},
  params: {
    path: file({ initial: '', accept: ['safetensors'], help: 'A file that Save distribution wrote.' }),
  },
  outputs: { distribution: 'distribution' },
  files: ({ path }) => [path],
  async run(_inputs, { path }, { files }) {
    const checkpoint = await openSafetensors(files, await files.locate(path));
    const [mean, std] = [await read(checkpoint, 'mean'), await read(checkpoint, 'std')];
    const sizes = [mean, std].map(({ shape }) => shape.join('x'));
    if (sizes[0] !== sizes[1]) throw badFile(path, `its mean is ${sizes[0]} and its std ${sizes[1]}`);
    if (std.values.some((value) => !(value > 0))) throw badFile(path, 'a standard deviation in it is not above 0');
    const prompt = String(checkpoint.metadata.get('prompt') ?? '');
    return { distribution: { mean: readLatents(mean), std: readLatents(std), prompt } };
  },
});

interface Stored {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

async function read(checkpoint: Checkpoint, name: string): Promise<Stored> {
  if (!checkpoint.has(name)) throw badFile(checkpoint.path, `it holds no "${name}"`);
  const { shape } = checkpoint.entry(name);
  if (shape.length !== 4 || shape[0] !== 1)
    throw badFile(checkpoint.path, `its "${name}" has the shape [${shape}] instead of [1, c, h, w]`);
  return { shape, values: Float32Array.from((await checkpoint.read(name)) as Float32Array) };
}

/** [1, c, h, w] -> [h, w, c]. */
function readLatents({ shape, values }: Stored): Distribution['mean'] {
  return tidy(() => transpose(tensor3d(values, shape.slice(1) as [number, number, number]), [1, 2, 0]));
}

function badFile(path: string, reason: string): UserError {
  const message = `"${path}" is not a distribution of noise: ${reason}. Use a file that Save distribution wrote.`;
  return new UserError('BAD_DISTRIBUTION', message, { at: { param: 'path' } });
}
