import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pixelmatch from 'pixelmatch';
import sharp from 'sharp';
import { packageFolder } from '../../electron/files/folders.ts';

/** So many pixels may differ in any square of so many across: fewer than a word has, more than edges that fall otherwise. */
const tolerance = 24;
const windowSize = 32;

/**
 * Compares an image of a screen with the one that is kept as test/e2e/screens/NAME.png. Gives undefined where they are
 * alike, else what differs; then out/screens/ holds the new image and one of the differences.
 * With NOISELOOM_SCREENS=write the new image is kept instead.
 */
export async function unlikeKept(png: Uint8Array, name: string): Promise<string | undefined> {
  const kept = join(packageFolder, 'test', 'e2e', 'screens', `${name}.png`);
  if (process.env.NOISELOOM_SCREENS === 'write') {
    await mkdir(dirname(kept), { recursive: true });
    await writeFile(kept, await small(png));
    return undefined;
  }
  const [now, before] = [await pixels(await small(png)), await pixels(await readFile(kept))];
  const { width, height } = before.info;
  if (now.info.width !== width || now.info.height !== height)
    return `${name} is ${now.info.width} x ${now.info.height} instead of ${width} x ${height} pixels.`;
  const differences = new Uint8Array(width * height * 4);
  const differing = pixelmatch(now.data, before.data, differences, width, height, {
    threshold: 0.15,
    windowSize,
  });
  const seen = join(packageFolder, 'out', 'screens', name);
  if (differing <= tolerance) {
    await Promise.all(['now', 'differences'].map((what) => rm(`${seen}.${what}.png`, { force: true })));
    return undefined;
  }
  await mkdir(dirname(seen), { recursive: true });
  await writeFile(`${seen}.now.png`, png);
  const raw = { width, height, channels: 4 } as const;
  await sharp(differences, { raw }).png().toFile(`${seen}.differences.png`);
  return `${name} differs in ${differing} pixels of one place: look at ${seen}.*.png. Where it is meant to, NOISELOOM_SCREENS=write keeps it.`;
}

/** In few colours, so that the file stays small. */
function small(png: Uint8Array): Promise<Buffer> {
  return sharp(png).png({ palette: true, colours: 64, dither: 0, compressionLevel: 9, effort: 10 }).toBuffer();
}

function pixels(png: Uint8Array) {
  return sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
}
