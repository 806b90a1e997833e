import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { unlikeKept } from './keptScreen.ts';

const name = 'chromium-start';

/** The image that is kept, with rectangles drawn into it. */
async function changed(...rectangles: string[]): Promise<Uint8Array> {
  const kept = await readFile(new URL(`../e2e/screens/${name}.png`, import.meta.url));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="800">${rectangles.join('')}</svg>`;
  return sharp(kept)
    .composite([{ input: Buffer.from(svg) }])
    .png()
    .toBuffer();
}

it('takes a screen for what it was where a few pixels differ', async () => {
  expect(await unlikeKept(await changed(), name)).toBeUndefined();
  const specks = [100, 400, 700].map((x) => `<rect x="${x}" y="700" width="4" height="4" fill="#777"/>`);
  expect(await unlikeKept(await changed(...specks), name)).toBeUndefined();
});

it('sees a word that is not there, and a screen of another size', async () => {
  const word = '<rect x="1195" y="8" width="76" height="32" fill="#fff"/>'; // over the button Run
  expect(await unlikeKept(await changed(word), name)).toMatch(/^chromium-start differs in \d+ pixels/);
  const smaller = await sharp(await changed())
    .resize(1000, 700)
    .png()
    .toBuffer();
  expect(await unlikeKept(smaller, name)).toBe('chromium-start is 1000 x 700 instead of 1280 x 800 pixels.');
});
