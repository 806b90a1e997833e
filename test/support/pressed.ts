import { openFiles } from '../../electron/files/files.ts';
import { fileFolders } from '../../electron/files/folders.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import { library } from '../../nodes/index.ts';
import { memory } from '../../nodes/ml/tf.ts';
import { openTestDevice } from './devices.ts';

/*
 * A program to be run with little memory: `pressed.ts FOLDER` runs what is too large for it, loading and optimising, and
 * after each something small in the same engine. Prints a line of JSON for each run: how it ended, and the tensors left.
 */
const [folder] = process.argv.slice(2) as [string];
const device = await openTestDevice();
const engine = createEngine({ library, device, files: openFiles(fileFolders(folder)), cacheBudget: 0 });

const node = (type: string, params: object = {}, inputs: object = {}) => ({
  ...{ type, version: library.get(type)?.version ?? 1, params, inputs, position: [0, 0] },
});
const generator = { generator: [['model', 'generator']] };
const drawn = { ...generator, noise: [['noise', 'noise']], prompt: [['prompt', 'text']] };
const base = (noise: object) => ({
  model: node('model/load-generator'),
  prompt: node('input/text', { text: 'a photo of a red circle' }),
  noise: node('input/noise', noise, generator),
});
const climb = (noise: object) => ({
  ...base(noise),
  colour: node('reward/colourfulness'),
  climb: node('optimise/reno', { evaluations: 2, steps: 1 }, { ...drawn, rewards: [['colour', 'reward']] }),
});
const small = { ...base({}), draw: node('generate/sample', { steps: 1 }, drawn) };
const runs = {
  loading: { load: node('input/load-distribution', { path: 'huge.safetensors' }) },
  optimising: climb({ width: 1024, height: 1024, count: 8 }),
};
for (const [name, nodes] of Object.entries(runs)) {
  for (const [of, each] of Object.entries({ [name]: nodes, 'a small image': small })) {
    const document = { format: 'noiseloom-graph', version: 2, title: of, nodes: each } as unknown as GraphDocument;
    let problem: unknown;
    const { status } = await engine.run(document, {}, (event) => {
      if (event.type === 'problem') problem = event.problem;
    });
    console.log(JSON.stringify({ of, status, problem, tensors: memory().numTensors }));
  }
}
process.exit();
