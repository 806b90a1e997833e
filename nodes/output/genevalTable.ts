import { defineNode, many, optional } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { genevalScores, type Judgement, judgeImage } from '../ml/world/judgeImage.ts';
import { parsePrompt } from '../ml/world/parsePrompt.ts';
import { SCENE_SIZE } from '../ml/world/scene.ts';
import { type Task, tasks } from '../ml/world/words.ts';
import { fileName } from '../params.ts';
import type { Images } from '../ports.ts';
import { csvText } from './shared/csvText.ts';

export const genevalTable = defineNode({
  type: 'output/geneval-table',
  version: 1,
  title: 'GenEval table',
  summary:
    "Judges images of the built-in world against their prompts by GenEval's rules with an exact detector: the share of correct images of each of six tasks and their unweighted mean, as CSV and, with a verdict on every image, as JSON.",
  source: 'GenEval, arXiv 2310.11513',
  inputs: {
    images: many('images', { min: 1, help: 'Images of 64x64 pixels.' }),
    prompt: optional('text', { help: 'What all images should show; without it, what each was drawn from.' }),
  },
  params: { name: fileName({ initial: 'geneval', help: 'Name of both files, without ending.' }) },
  outputs: {},
  async run({ images, prompt }, { name }, { progress, save }) {
    const prompts = images.flatMap((batch) => readPrompts(batch, prompt));
    const promptTasks = prompts.map((each) => parsePrompt(each).task);
    const judged: (Judgement & { name?: string; prompt: string; seed?: number; task: Task })[] = [];
    for (const { pixels, labels } of images) {
      const values = (await pixels.data()) as Float32Array;
      const size = values.length / labels.length;
      for (const [i, { name, seed }] of labels.entries()) {
        const number = judged.length;
        await progress(number / prompts.length);
        const judgement = judgeImage(values.subarray(i * size, (i + 1) * size), prompts[number]!);
        judged.push({
          ...(name === undefined ? {} : { name }),
          ...(seed === undefined ? {} : { seed }),
          prompt: prompts[number]!,
          task: promptTasks[number]!,
          ...judgement,
        });
      }
    }
    const scores = genevalScores(judged);
    const rows = tasks.map((task) => ({ task, score: scores.tasks[task], images: scores.counts[task] }));
    const csv = csvText([...rows, { task: 'mean', score: scores.mean, images: judged.length }]);
    const encode = (content: string) => new TextEncoder().encode(content);
    save({ name: `${name}.csv`, mime: 'text/csv', bytes: encode(csv) });
    const json = JSON.stringify({ ...scores, images: judged }, null, 2);
    save({ name: `${name}.json`, mime: 'application/json', bytes: encode(`${json}\n`) });
  },
});

/** Throws UserError `NO_PROMPT` or `BAD_SIZE`. */
function readPrompts({ pixels, labels }: Images, prompt: string | undefined): string[] {
  const [, height, width] = pixels.shape;
  if (height !== SCENE_SIZE || width !== SCENE_SIZE)
    throw new UserError(
      'BAD_SIZE',
      `The GenEval table got images of ${width}x${height} pixels; it knows the built-in world's ${SCENE_SIZE}x${SCENE_SIZE} only.`,
    );
  return labels.map((label) => {
    const found = prompt ?? label.prompt;
    if (found !== undefined) return found;
    throw new UserError('NO_PROMPT', 'An image carries no prompt to judge it by; connect one to the input "prompt".');
  });
}
