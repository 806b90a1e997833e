import { beforeAll, describe, expect, it } from 'vitest';
import { tensor4d } from '../../../nodes/ml/tf.ts';
import { genevalTable } from '../../../nodes/output/genevalTable.ts';
import { allows } from '../../../nodes/params.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { truthImages } from '../../support/truthImages.ts';

describe('GenEval table', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  const scenes = truthImages(12, 9);
  /** The first six with captions that are true of them, the rest with false ones. */
  const batches = () =>
    [scenes.slice(0, 6), scenes.slice(6)].map((batch, right) => ({
      pixels: tensor4d(Float32Array.from(batch.flatMap(({ pixels }) => [...pixels])), [6, 64, 64, 3]),
      labels: batch.map(({ scene, wrongCaption }, i) => ({
        prompt: right === 0 ? scene.caption : wrongCaption,
        seed: i,
      })),
    }));

  it('writes the six scores, their mean, and a verdict on every image', async () => {
    const { context, saved } = nodeContext();
    const images = batches();
    await genevalTable.run({ images, prompt: undefined }, { name: 'geneval' }, context);
    const [csv, json] = saved.map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(saved.map(({ name }) => name)).toEqual(['geneval.csv', 'geneval.json']);
    expect(csv).toBe(
      'task,score,images\r\nsingle,0.5,2\r\ntwo,0.5,2\r\ncounting,0.5,2\r\ncolours,0.5,2\r\nposition,0.5,2\r\nattribution,0.5,2\r\nmean,0.5,12\r\n',
    );
    const table = JSON.parse(json!);
    expect(table).toMatchObject({ mean: 0.5, tasks: { two: 0.5 }, counts: { two: 2 } });
    expect(table.images).toHaveLength(12);
    expect(table.images[0]).toEqual({
      prompt: scenes[0]!.scene.caption,
      seed: 0,
      task: 'single',
      correct: true,
      reasons: [],
      satisfied: 1,
    });
    expect(table.images[6].reasons.length).toBeGreaterThan(0);
    for (const { pixels } of images) pixels.dispose();
  });

  it('judges by the prompt that is connected, and refuses what it cannot judge', async () => {
    const { context, saved } = nodeContext();
    const images = batches().map(({ pixels }) => ({ pixels, labels: Array.from({ length: 6 }, () => ({})) }));
    const run = (prompt: string | undefined) => genevalTable.run({ images, prompt }, { name: 'geneval' }, context);
    await run('a star');
    expect(JSON.parse(new TextDecoder().decode(saved[1]!.bytes)).counts.single).toBe(12);
    await expect(run(undefined)).rejects.toMatchObject({ code: 'NO_PROMPT' });
    await expect(run('a dog')).rejects.toMatchObject({ code: 'UNKNOWN_WORDS' });
    expect(allows(genevalTable.params.name, '../x')).toBe(false);
    for (const { pixels } of images) pixels.dispose();
    const small = { pixels: tensor4d([0, 0, 0], [1, 1, 1, 3]), labels: [{ prompt: 'a star' }] };
    await expect(
      genevalTable.run({ images: [small], prompt: undefined }, { name: 'x' }, context),
    ).rejects.toMatchObject({ code: 'BAD_SIZE' });
    small.pixels.dispose();
  });
});
