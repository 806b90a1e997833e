import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizedBatches } from '../../../electron/cli/scoreGraph.ts';
import { addPngText } from '../../../nodes/ml/image/pngText.ts';
import { runCli } from '../../support/runCli.ts';

let cwd: string;
const score = (...args: string[]) => runCli(['score', ...args, '--device', 'cpu'], { cwd });
const png = async (width: number, height: number, background: { r: number; g: number; b: number }) =>
  new Uint8Array(
    await sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer(),
  );

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'noiseloom-score-'));
  await mkdir(join(cwd, 'set'));
  const [red, grey] = [
    { r: 255, g: 0, b: 0 },
    { r: 90, g: 90, b: 90 },
  ];
  await writeFile(join(cwd, 'set/2.png'), await png(8, 6, red));
  await writeFile(join(cwd, 'set/10.png'), addPngText(await png(5, 7, grey), { Prompt: 'a grey cat' }));
  await writeFile(join(cwd, 'set/11.png'), await png(8, 6, grey));
  await writeFile(join(cwd, 'set/notes.txt'), 'no image');
  await writeFile(join(cwd, 'broken.png'), 'no image');
}, 120_000);
afterAll(() => rm(cwd, { recursive: true }));

describe('noiseloom score', () => {
  it('prints a table of a folder whose images have several sizes, in natural order', async () => {
    const { code, stdout, stderr } = await score('set', '--reward', 'colourfulness', '--batch', '1');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^image +colourfulness\nset\/2\.png +85\.5\d+\nset\/10\.png +0\.001\d+\nset\/11\.png +0\.001\d+\n$/,
    );
  });

  it('prints JSON with the prompts that it used', async () => {
    const result = await score('set/10.png', 'set/2.png', '--reward', 'reward/colourfulness', '--json');
    expect(result.json()).toEqual([
      {
        ...{ type: 'result', ok: true, status: 'done', exitCode: 0, problems: [] },
        images: [
          {
            path: join(cwd, 'set/10.png'),
            prompt: 'a grey cat',
            scores: { colourfulness: expect.closeTo(0.0013, 4) },
          },
          { path: join(cwd, 'set/2.png'), scores: { colourfulness: expect.closeTo(85.53, 1) } },
        ],
      },
    ]);
  });

  it('passes over what is no image, says so and exits with 1', async () => {
    const { code, stdout, stderr } = await score('broken.png', 'set/2.png', '--reward', 'colourfulness');
    expect(code).toBe(1);
    expect(stderr).toMatch(/BAD_IMAGE {2}".*broken\.png" is no image that can be read/);
    expect(stdout).toMatch(/set\/2\.png +85/);
  });

  it.each<[string[], number, RegExp]>([
    [['set'], 2, /required option '-r, --reward <name>' not specified/],
    [['set', '--reward', 'colourfullness'], 2, /no reward "colourfullness".*Did you mean "colourfulness"\?/],
    [['set', '--reward', 'score'], 2, /no reward "score" that scores images by itself/],
    [['nowhere', '--reward', 'colourfulness'], 2, /no image or folder "nowhere"/],
    [['.', '--reward', 'colourfulness', '--set', 'colourfulness.x=1'], 2, /has no param "x"/],
    [['set', '--reward', 'world-truth', '--prompt', 'a photo of a zebra'], 1, /zebra/],
  ])('score %j', async (args, code, message) => {
    const result = await score(...args);
    expect(result.stdout + result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('sizedBatches', () => {
  it('puts images of one size together, so many at a time', () => {
    const sizes = [1, 2, 1, 1, 2, 1];
    const images = sizes.map((width, i) => ({ path: String(i), width, height: 1 }));
    const paths = sizedBatches(images, 3).map((batch) => batch.map(({ path }) => path).join(''));
    expect(paths).toEqual(['023', '14', '5']);
  });
});
