import { defineNode, many } from '../defineNode.ts';
import { byteLength, isDeviceName, LONGEST_FILE_NAME } from '../files.ts';
import { encodePng, toBytes } from '../ml/image/encodePng.ts';
import { fileName } from '../params.ts';
import type { ImageLabel } from '../ports.ts';

export const saveImages = defineNode({
  type: 'output/save-images',
  version: 1,
  title: 'Save images',
  summary: 'Writes images as PNG files that carry their prompt, their seed and the whole graph.',
  inputs: { images: many('images', { min: 1 }) },
  params: {
    name: fileName({
      initial: 'image-{number}',
      placeholders: ['number', 'seed', 'prompt', 'name'],
      help: 'Names of the files: {number} counts from 1, {seed}, {prompt} and {name} are those of the image.',
    }),
  },
  outputs: {},
  async run({ images }, { name }, { progress, save }) {
    const count = images.reduce((sum, { labels }) => sum + labels.length, 0);
    let number = 0;
    for (const { pixels, labels } of images) {
      const [n, height, width] = pixels.shape;
      const values = (await pixels.data()) as Float32Array;
      const size = values.length / n;
      for (const [i, label] of labels.entries()) {
        await progress(number++ / count);
        const file = fileNameOf(name, label, number, count);
        const texts = {
          ...(label.prompt === undefined ? {} : { Prompt: label.prompt }),
          ...(label.seed === undefined ? {} : { Seed: String(label.seed) }),
        };
        const rgb = toBytes(values.subarray(i * size, (i + 1) * size));
        save({ name: `${file}.png`, mime: 'image/png', bytes: encodePng({ width, height, rgb }, texts), label });
      }
    }
  },
});

/** The pattern filled in; the prompt and the name are cut where the file's name would be too long. */
function fileNameOf(pattern: string, label: ImageLabel, number: number, count: number): string {
  const stem = pattern.replace(/\.png$/i, '');
  const fixed: Record<string, string> = {
    number: String(number).padStart(String(count).length, '0'),
    seed: String(label.seed ?? 'no-seed'),
  };
  const words: Record<string, string> = {
    prompt: slug(label.prompt ?? 'no-prompt'),
    name: slug((label.name ?? 'no-name').replace(/\.\w+$/, '')),
  };
  const known = stem.replace(/\{(\w+)\}/g, (all, key: string) => fixed[key] ?? all);
  const placeholders = known.match(/\{\w+\}/g) ?? [];
  const room = LONGEST_FILE_NAME - byteLength(known.replace(/\{\w+\}/g, ''));
  const filled = known.replace(/\{(\w+)\}/g, (_, key: string) => cutTo(words[key]!, room / placeholders.length));
  const parts = filled.split('/').map((part) => (isDeviceName(part) ? part.replace(/^[^.]*/, '$&-') : part)); // com{number} of image 1
  return parts.join('/');
}

/** The first letters of a text that are at most so many bytes in UTF-8. */
function cutTo(text: string, bytes: number): string {
  let cut = '';
  for (const letter of text) {
    if (byteLength(cut + letter) > bytes) break;
    cut += letter;
  }
  return cut.replace(/-+$/, '');
}

/** Letters and digits of any script, joined by hyphens; at most 60 of them. */
function slug(text: string): string {
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  const slug = [...words]
    .slice(0, 60)
    .join('')
    .replace(/^-+|-+$/g, '');
  return slug || 'untitled';
}
