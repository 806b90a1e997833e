import { defineNode, many } from '../defineNode.ts';
import { encodePng, type RgbImage } from '../ml/image/encodePng.ts';
import { rgbImages } from '../ml/image/rgbImages.ts';
import { scoreImages } from '../ml/image/scoreImages.ts';
import { tileImages } from '../ml/image/tileImages.ts';
import { wordsOf } from '../ml/text/plainPrompt.ts';
import { fileName, integer } from '../params.ts';
import type { ImageLabel, Images, Reward } from '../ports.ts';
import { csvText, type TableRow } from './shared/csvText.ts';

/** An image with its label and its scores. */
interface Entry {
  readonly label: ImageLabel;
  readonly image: RgbImage;
  readonly scores: readonly number[];
}

export const comparison = defineNode({
  type: 'output/comparison',
  version: 1,
  title: 'Comparison',
  summary:
    'Compares images by their names (see Name images): a table with a row a name and the mean of each reward, and an image with prompts down and names across.',
  inputs: {
    images: many('images', { min: 1 }),
    rewards: many('reward', { min: 1, help: 'What all are scored by; one that no method optimised is the fairest.' }),
  },
  params: {
    name: fileName({ initial: 'comparison', help: 'Name of the files, without ending.' }),
    enlarge: integer({ initial: 2, min: 1, max: 16, help: 'Every pixel becomes a square of this many pixels a side.' }),
  },
  outputs: {},
  async run({ images, rewards }, { name, enlarge }, { progress, save }) {
    const entries: Entry[] = [];
    for (const [i, batch] of images.entries()) {
      await progress(i / images.length);
      entries.push(...(await scoreEntries(batch, rewards)));
    }
    const names = unique(entries.map(({ label }) => label.name ?? ''));
    const prompts = unique(entries.map(({ label }) => label.prompt ?? ''));
    const rows = names.map((each) => fillRow(each, entries, rewards));
    const encode = (content: string) => new TextEncoder().encode(content);
    save({ name: `${name}.csv`, mime: 'text/csv', bytes: encode(csvText(rows)) });
    save({ name: `${name}.json`, mime: 'application/json', bytes: encode(`${JSON.stringify(rows, null, 2)}\n`) });
    const cells = prompts.map((prompt) =>
      names.flatMap((each) => {
        const found = entries.filter(({ label }) => (label.prompt ?? '') === prompt && (label.name ?? '') === each);
        return found.slice(0, 1).map(({ image }) => image);
      }),
    );
    const bytes = encodePng(tileImages(cells, { gap: 2, enlarge }), { Prompt: prompts.join('\n') });
    save({ name: `${name}.png`, mime: 'image/png', bytes, label: {} });
  },
});

async function scoreEntries({ pixels, labels }: Images, rewards: readonly Reward[]): Promise<Entry[]> {
  const prompts = labels.map((label) => wordsOf(label));
  const scores = await scoreImages(rewards, pixels, prompts);
  const rgb = await rgbImages(pixels);
  return labels.map((label, i) => ({ label, image: rgb[i]!, scores: scores[i]! }));
}

function fillRow(name: string, entries: readonly Entry[], rewards: readonly Reward[]): TableRow {
  const own = entries.filter(({ label }) => (label.name ?? '') === name);
  const means = rewards.map((reward, k) => [
    reward.name,
    own.reduce((sum, { scores }) => sum + scores[k]!, 0) / own.length,
  ]);
  return { name, images: own.length, ...Object.fromEntries(means) };
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
