import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../electron/files/runFolder.ts';
import { isPng, readPngText } from '../../../nodes/ml/image/pngText.ts';
import { readCandidates } from '../../../renderer/runs/candidates.ts';
import { goldenFolder } from '../../support/golden.ts';
import { runCli } from '../../support/runCli.ts';
import { storedNode as node } from '../../support/storedNode.ts';

const drawing = { generator: [['model', 'generator']], noise: [['noise', 'noise']], prompt: [['prompt', 'text']] };
const rewards = [
  ['colour', 'reward'],
  ['twice', 'reward'],
];
/** Sample and ReNO draw the same two seeds and one prompt; their images are saved together, ReNO's first. */
const graph = {
  model: node('model/load-generator', { model: goldenFolder('tiny-sd-turbo') }),
  noise: node('input/noise', { seed: 3, count: 2, width: 64, height: 64 }, { generator: drawing.generator }),
  prompt: node('input/text', { text: 'a red dog' }),
  colour: node('reward/colourfulness', {}),
  twice: node('reward/augment', { views: 2 }, { reward: [['colour', 'reward']] }),
  sample: node('generate/sample', { steps: 1 }, drawing),
  reno: node('optimise/reno', { evaluations: 3, steps: 1 }, { ...drawing, rewards: [['colour', 'reward']] }),
  named: node('select/name-images', { name: 'optimised' }, { images: [['reno', 'images']] }),
  scoreSample: node('reward/score', {}, { images: [['sample', 'images']], rewards }),
  scoreReno: node('reward/score', {}, { images: [['named', 'images']], rewards }),
  front: node('select/pareto', {}, { images: [['named', 'images']], scores: [['scoreReno', 'scores']] }),
  best: node('select/top', {}, { images: [['sample', 'images']], scores: [['scoreSample', 'scores']] }),
  save: node('output/save-images', { name: 'x-{number}' }, { images: ['named', 'sample'].map((id) => [id, 'images']) }),
  table: node('output/score-table', {}, { scores: ['scoreSample', 'front', 'best'].map((id) => [id, 'scores']) }),
};

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-own-images-'));
});
afterAll(() => rm(cwd, { recursive: true }));

describe('a run of Sample and ReNO from the same noise and prompt', () => {
  it('keeps which image each row of scores is of', async () => {
    await writeFile(
      join(cwd, 'graph.json'),
      JSON.stringify({ format: 'noiseloom-graph', version: 1, title: 'Own', nodes: graph }),
    );
    const { code, stdout, stderr } = await runCli(['run', 'graph.json', '--allow', goldenFolder('tiny-sd-turbo')], {
      cwd,
    });
    expect(code, stderr).toBe(0);
    const record = JSON.parse(await readFile(join(stdout.trim(), 'run.json'), 'utf8')) as RunRecord;
    const shown = Object.fromEntries(
      record.scores.map(({ node, output }, table) => [
        `${node}.${output}`,
        readCandidates(record, table).map(({ image, seed }) => [seed, image]),
      ]),
    );
    const [reno, sampled] = [
      [
        [3, 'x-1.png'],
        [4, 'x-2.png'],
      ],
      [
        [3, 'x-3.png'],
        [4, 'x-4.png'],
      ],
    ];
    expect(shown).toMatchObject({ 'scoreReno.scores': reno, 'reno.scores': reno, 'scoreSample.scores': sampled });
    expect(sampled).toContainEqual(shown['best.scores']![0]);
    for (const row of shown['front.scores']!) expect(reno).toContainEqual(row);
    // The first evaluation of ReNO is what Sample draws, or differs in a last bit and was not saved.
    for (const [i, [seed, image]] of shown['reno.firstScores']!.entries())
      expect([sampled[i], [seed, undefined]]).toContainEqual([seed, image]);
    const files = await Promise.all([1, 2, 3, 4].map((i) => readFile(join(stdout.trim(), `x-${i}.png`))));
    expect(files.every((bytes) => isPng(bytes) && readPngText(bytes).get('Prompt') === 'a red dog')).toBe(true);
    expect(new Set(record.outputs.flatMap(({ label }) => label?.id ?? [])).size).toBe(4);
  }, 180_000);
});
