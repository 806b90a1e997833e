import { join } from 'node:path';
import sharp from 'sharp';
import { startDevice, startEngine } from '../electron/engine/startEngine.ts';
import { writeAtomic } from '../electron/files/disk.ts';
import { openFiles } from '../electron/files/files.ts';
import { fileFolders, packageFolder, templatesFolder } from '../electron/files/folders.ts';
import { listTemplateNames, readTemplate } from '../electron/files/templates.ts';
import { readGraph } from '../graphs/document/read.ts';
import { library } from '../nodes/index.ts';

/*
 * Runs templates and writes the largest image that each gives, made small, beside it as NAME.png: npm run thumbnails [-- NAME ...].
 * By default all templates that need no models but the built-in ones and write images.
 */
const [width, height] = [256, 160];
const MOST_BYTES = 28_000;

const given = process.argv.slice(2);
const device = await startDevice('auto');
for (const name of given.length > 0 ? given : await listTemplateNames()) {
  const { document } = readGraph(await readTemplate(name), library);
  const nodes = Object.values(document.nodes);
  const foreign = nodes.flatMap(({ type, params }) =>
    Object.entries(library.get(type)?.params ?? {})
      .filter(([, { kind }]) => kind === 'model')
      .map(([param, { initial }]) => String(params[param] ?? initial))
      .filter((model) => model !== '' && !model.startsWith('builtin:')),
  );
  if (foreign.length > 0 || !nodes.some(({ type }) => type.startsWith('output/'))) {
    console.log(`${name}: left out, ${foreign.length > 0 ? `it needs ${foreign.join(', ')}` : 'it writes no images'}`);
    continue;
  }
  const engine = startEngine(device, openFiles(fileFolders(packageFolder)));
  const images: Uint8Array[] = [];
  const { status } = await engine.run(document, {}, (event) => {
    if (event.type === 'image' && event.mime === 'image/png') images.push(event.bytes);
    if (event.type === 'problem') console.error(event.problem.message);
  });
  await engine.clearCache();
  if (status !== 'done') throw new Error(`The template ${name} cannot be run: it ended as ${status}.`);
  const sizes = await Promise.all(images.map((bytes) => sharp(bytes).metadata()));
  const areas = sizes.map((size) => size.width * size.height);
  const largest = images[areas.indexOf(Math.max(...areas))];
  if (!largest) throw new Error(`The template ${name} gave no image.`);
  const small = await sharp(largest)
    .resize({ width, height, fit: 'inside', withoutEnlargement: true })
    .png({ palette: true, colours: 32, compressionLevel: 9 })
    .toBuffer();
  if (small.length > MOST_BYTES)
    throw new Error(`The image of ${name} has ${small.length} bytes, more than ${MOST_BYTES}.`);
  await writeAtomic(join(templatesFolder, `${name}.png`), small);
  console.log(`${name}: ${small.length} bytes`);
}
process.exit();
