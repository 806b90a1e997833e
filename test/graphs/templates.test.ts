import { readdirSync, readFileSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openFiles } from '../../electron/files/files.ts';
import { fileFolders, packageFolder } from '../../electron/files/folders.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import type { Overrides } from '../../graphs/edit/overrides.ts';
import { createEngine } from '../../graphs/engine/engine.ts';
import type { RunEvent } from '../../graphs/run/events.ts';
import { library } from '../../nodes/index.ts';
import type { Device } from '../../nodes/ml/device.ts';
import { guardLeaks, openTestDevice } from '../support/devices.ts';
import { goldenFolder } from '../support/golden.ts';

const folder = new URL('../../graphs/templates/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
const textOf = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** What makes a template quick to run, and the files it then writes. */
const quick: Record<string, { overrides: Overrides; files: number }> = {
  'best-of-n.json': { overrides: { 'search.candidates': 3, 'search.keep': 2, 'search.steps': 2 }, files: 3 },
  'compare-at-equal-compute.json': {
    overrides: {
      'prompts.prompts': 'a red circle\ntwo blue squares',
      'sample.steps': 1,
      'calls.steps': 1,
      'calls.candidates': 2,
      'time.steps': 1,
      'time.candidates': 3,
      'find.steps': 1,
      'find.iterations': 1,
      'find.perIteration': 2,
      'find.samples': 1,
      'reno.steps': 1,
      'reno.evaluations': 2,
    },
    files: 3,
  },
  'find.json': {
    overrides: {
      'find.steps': 2,
      'find.iterations': 2,
      'find.perIteration': 2,
      'find.samples': 2,
      'noise.count': 2,
      'plain.steps': 2,
    },
    files: 5,
  },
  'prune.json': { overrides: { 'prune.candidates': 4, 'prune.steps': 4 }, files: 6 },
  'fk-steering.json': {
    overrides: { 'steer.particles': 3, 'steer.steps': 4, 'best.candidates': 2, 'best.steps': 2 },
    files: 5,
  },
  'best-of-n-then-reno.json': {
    overrides: { 'best.candidates': 3, 'reno.evaluations': 2 },
    files: 5,
  },
  'first-image.json': { overrides: { 'noise.count': 2, 'sample.steps': 2 }, files: 9 },
  'keep-edges.json': { overrides: { 'noise.count': 1, 'plain.steps': 2, 'guided.steps': 2 }, files: 5 },
  'consistency-reward.json': {
    overrides: { 'noise.count': 1, 'reno.evaluations': 2, 'reno.steps': 1 },
    files: 7,
  },
  'pareto-front.json': { overrides: { 'noise.count': 4, 'sample.steps': 2 }, files: 7 },
  'most-colourful.json': { overrides: { 'search.candidates': 3, 'search.keep': 2, 'search.steps': 2 }, files: 4 },
  'score-a-folder.json': { overrides: {}, files: 4 },
  'grid-of-settings.json': { overrides: { 'noise.count': 1, 'axes.columns': '1\n2', 'axes.rows': '1' }, files: 1 },
  'six-tasks.json': { overrides: { 'noise.count': 1, 'sample.steps': 2 }, files: 3 },
  'reno-ensemble.json': { overrides: { 'noise.count': 1, 'reno.evaluations': 2, 'reno.steps': 1 }, files: 5 },
  // On small models with random weights, since the real ones do not come with Noiseloom.
  'sd-turbo-reno.json': {
    overrides: {
      'generator.model': goldenFolder('tiny-sd-turbo'),
      'hps.model': goldenFolder('clip-openclip/HPS_tiny_compressed.pt'),
      'imageReward.model': goldenFolder('imagereward'),
      'clip.model': goldenFolder('clip-hf/clip'),
      'pick.model': goldenFolder('clip-hf/pickscore'),
      'reno.evaluations': 2,
    },
    files: 5,
  },
  'train-controlnet-consistency.json': { overrides: { 'train.steps': 1, 'train.batch': 2 }, files: 4 },
  'reno.json': { overrides: { 'noise.count': 1, 'reno.evaluations': 2, 'reno.steps': 1 }, files: 6 },
};

describe('templates', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  guardLeaks();

  it.each(names)('%s has no problems, says what it does, and is written as Noiseloom writes it', (name) => {
    const { document, problems } = readGraph(textOf(name), library);
    expect(problems).toEqual([]);
    expect(document.notes).toHaveLength(1);
    expect(writeGraph(document)).toBe(textOf(name));
  });

  it('have images of at most 28 kB, one a template', () => {
    const images = readdirSync(folder).filter((name) => name.endsWith('.png'));
    for (const image of images) {
      expect(names).toContain(image.replace(/png$/, 'json'));
      expect(statSync(new URL(image, folder)).size).toBeLessThanOrEqual(28_000);
    }
  });

  it.each(names)('%s runs', async (name) => {
    const { overrides, files } = quick[name]!;
    const engine = createEngine({ library, device, files: openFiles(fileFolders(packageFolder)), cacheBudget: 0 });
    const events: RunEvent[] = [];
    const finished = await engine.run(readGraph(textOf(name), library).document, { overrides }, (event) => {
      events.push(event);
    });
    expect(events.filter(({ type }) => type === 'problem')).toEqual([]);
    expect(finished.status).toBe('done');
    expect(events.filter(({ type }) => type === 'image' || type === 'file')).toHaveLength(files);
    await engine.clearCache();
  });
});
