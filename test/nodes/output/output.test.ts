import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { isFileName } from '../../../nodes/files.ts';
import { readPngText } from '../../../nodes/ml/image/pngText.ts';
import { type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { saveImages } from '../../../nodes/output/saveImages.ts';
import { scoreTable } from '../../../nodes/output/scoreTable.ts';
import { allows } from '../../../nodes/params.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

describe('save images', async () => {
  let pixels: Tensor4D;
  beforeAll(async () => {
    await openTestDevice();
    pixels = tensor4d([0, 0.5, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1], [2, 1, 2, 3]);
  });
  guardLeaks();
  const labels = [
    { prompt: 'A Cat, sitting; café 猫', seed: 7 },
    { seed: 8, name: 'b.png' },
  ];

  async function namesFor(name: string): Promise<string[]> {
    const { context, saved } = nodeContext();
    await saveImages.run(
      {
        images: [
          { pixels, labels },
          { pixels, labels },
        ],
      },
      { name },
      context,
    );
    return saved.map((artifact) => artifact.name);
  }

  it('writes PNG files with their texts', async () => {
    const { context, saved } = nodeContext();
    await saveImages.run({ images: [{ pixels, labels }] }, { name: 'image-{number}' }, context);
    expect(saved.map(({ name, mime }) => [name, mime])).toEqual([
      ['image-1.png', 'image/png'],
      ['image-2.png', 'image/png'],
    ]);
    const first = saved[0]?.bytes ?? new Uint8Array();
    expect(decode(first, { checkCrc: true })).toMatchObject({ width: 2, height: 1, channels: 3 });
    expect([...decode(first).data]).toEqual([0, 128, 255, 255, 0, 0]);
    expect(Object.fromEntries(readPngText(first))).toEqual({ Prompt: 'A Cat, sitting; café 猫', Seed: '7' });
    expect(saved.map(({ label }) => label)).toEqual(labels);
  });

  it.each([
    ['x-{number}', ['x-1.png', 'x-2.png', 'x-3.png', 'x-4.png']],
    ['s{seed}', ['s7.png', 's8.png', 's7.png', 's8.png']],
    ['{prompt}', ['a-cat-sitting-café-猫.png', 'no-prompt.png', 'a-cat-sitting-café-猫.png', 'no-prompt.png']],
    ['{name}.png', ['no-name.png', 'b.png', 'no-name.png', 'b.png']],
    ['sub/{number}', ['sub/1.png', 'sub/2.png', 'sub/3.png', 'sub/4.png']],
  ])('%s names %j', async (pattern, names) => {
    expect(await namesFor(pattern)).toEqual(names);
  });

  it.each(['../{number}', '/etc/x', '.hidden', 'a:b', '{colour}', '', 'CON|x'])('allows no name %j', (pattern) => {
    expect(allows(saveImages.params.name, pattern)).toBe(false);
  });

  it('names no device, and no file longer than disks take, whatever the prompt is', async () => {
    expect(await namesFor('com{number}')).toEqual(['com1-.png', 'com2-.png', 'com3-.png', 'com4-.png']);
    expect(await namesFor('lpt{number}.{seed}')).toContain('lpt1-.7.png');
    const long = { prompt: '花'.repeat(100), name: 'é'.repeat(100), seed: Number.MAX_SAFE_INTEGER };
    const { context, saved } = nodeContext();
    const name = `${'x'.repeat(100)}{prompt}{name}{seed}`;
    expect(allows(saveImages.params.name, name)).toBe(true);
    await saveImages.run({ images: [{ pixels, labels: [long, long] }] }, { name }, context);
    for (const { name } of saved) expect(isFileName(name.slice(0, -4)), name).toBe(true);
    expect(saved[0]!.name).toMatch(/^x{100}花+é+9007199254740991\.png$/);
  });
});

describe('score table', () => {
  it('writes CSV and JSON with every column that is known', async () => {
    const { context, saved } = nodeContext();
    const first = {
      names: ['clip'],
      values: [[0.25], [Number.NaN]],
      labels: [{ prompt: 'a "b", c', seed: 1 }, { seed: 2 }],
    };
    const second = { names: ['aesthetic'], values: [[5]], labels: [{ prompt: '=1+1' }] };
    await scoreTable.run({ scores: [first, second] }, { name: 'scores' }, context);
    const [csv, json] = saved.map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(saved.map(({ name }) => name)).toEqual(['scores.csv', 'scores.json']);
    expect(csv).toBe('prompt,seed,clip,aesthetic\r\n"a ""b"", c",1,0.25,\r\n,2,,\r\n\'=1+1,,,5\r\n');
    expect(JSON.parse(json ?? '')).toEqual([
      { prompt: 'a "b", c', seed: 1, clip: 0.25 },
      { seed: 2 },
      { prompt: '=1+1', aesthetic: 5 },
    ]);
  });
});
