import { defineNode, many } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { isDeviceName, isPlainName } from '../files.ts';
import { encodePng, toBytes } from '../ml/image/encodePng.ts';
import { text } from '../params.ts';
import type { ImageLabel } from '../ports.ts';

export const saveImages = defineNode({
  type: 'output/save-images',
  version: 1,
  title: 'Save images',
  summary: 'Writes images as PNG files that carry their prompt, their seed and the whole graph.',
  inputs: { images: many('images', { min: 1 }) },
  params: {
    name: text({
      initial: 'image-{number}',
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
        const file = fileName(name, label, number, count);
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

/** The pattern filled in: as it stands where it is a safe file name, else it throws UserError `BAD_PARAM`. */
function fileName(pattern: string, label: ImageLabel, number: number, count: number): string {
  const values: Record<string, string> = {
    number: String(number).padStart(String(count).length, '0'),
    seed: String(label.seed ?? 'no-seed'),
    prompt: slug(label.prompt ?? 'no-prompt'),
    name: slug((label.name ?? 'no-name').replace(/\.\w+$/, '')),
  };
  const name = pattern.replace(/\{(\w+)\}/g, (all, key: string) => values[key] ?? all).replace(/\.png$/i, '');
  if (isPlainName(name) && !/[<>:"|?*{}]/.test(name) && !name.split('/').some((part) => part.startsWith('.')))
    return name;
  throw new UserError(
    'BAD_PARAM',
    `"${pattern}" makes no good file names; use letters, digits, -, _ and {number}, {seed}, {prompt}, {name}.`,
    { at: { param: 'name' } },
  );
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
  return isDeviceName(slug) ? `${slug}-` : slug || 'untitled';
}
