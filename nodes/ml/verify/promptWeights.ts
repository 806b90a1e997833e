import { joinPath } from '../../files.ts';
import { clipText } from '../models/clipText.ts';
import { describeText } from '../models/load/diffusersFolder.ts';
import { loadEmbeddings } from '../models/load/loadEmbeddings.ts';
import { loadParts } from '../models/load/loadParts.ts';
import { readConfig } from '../models/load/modelFolder.ts';
import {
  type PromptEncoder,
  promptLength,
  stableDiffusionFeatures,
  stableDiffusionXLFeatures,
} from '../models/promptFeatures.ts';
import { type PromptReading, readPrompt } from '../models/promptReader.ts';
import { chunkA1111 } from '../text/chunkA1111.ts';
import { parseA1111 } from '../text/parseA1111.ts';
import { parseComfy } from '../text/parseComfy.ts';
import type { Chunk, WeightedText } from '../text/promptChunk.ts';
import { type SchedulePart, scheduleA1111, splitAnd } from '../text/scheduleA1111.ts';
import { type Tensor, tidy } from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';

interface Model {
  readonly encoders: readonly PromptEncoder[];
  /** By the reference's name of each program. */
  readonly readings: Readonly<Record<string, PromptReading>>;
}

/** Prompts in the ways of ComfyUI and stable-diffusion-webui: what is parsed, token ids, weights, features. */
export const promptWeights: Family = async (golden) => {
  checkParsing(golden);
  await withModel(golden, 'sd1', (model) => sd1Outputs(golden, model));
  await withModel(golden, 'sdxl', (model) => sdxlOutputs(golden, model));
};

type Parsed = Readonly<Record<string, readonly (readonly [string, number])[]>>;

/** Compares what case.json says of parsing, which no tensor holds. Throws a plain Error that names what differs. */
function checkParsing({ settings }: GoldenFolder): void {
  const prompts = settings.prompts as Record<string, string>;
  const check = (what: string, got: unknown, expected: unknown) => {
    const [found, wanted] = [JSON.stringify(got), JSON.stringify(expected)];
    if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`);
  };
  const rounded = (parts: readonly WeightedText[]) =>
    parts.map(({ text, weight }) => [text, Number(weight.toPrecision(12))]);
  const stated = (parts: Parsed[string] = []) => rounded(parts.map(([text, weight]) => ({ text, weight })));
  for (const [name, prompt] of Object.entries(prompts)) {
    check(`comfy_parse.${name}`, rounded(parseComfy(prompt)), stated((settings.comfy_parse as Parsed)[name]));
    check(
      `webui_parse.${name}`,
      rounded(parseA1111(bareNames(prompt))),
      stated((settings.webui_parse as Parsed)[name]),
    );
  }
  type Case = [text: string, steps: number, hires: number | null, parts: [SchedulePart['schedule'], number][]];
  for (const [text, steps, hires, parts] of settings.webui_schedules as Case[]) {
    const got = splitAnd(text).map((part) => [scheduleA1111(part.text, steps, hires ?? undefined), part.weight]);
    check(`webui_schedules of ${text}`, got, parts);
  }
}

/** webui finds embeddings by their names alone. */
const bareNames = (prompt: string): string => prompt.replaceAll('embedding:', '');

async function withModel(golden: GoldenFolder, name: string, use: (model: Model) => void): Promise<void> {
  const { files, path } = golden;
  const folder = joinPath(path, name);
  const folders = ((await files.list(folder)) ?? []).filter((each) => each.startsWith('text_encoder'));
  const texts = await Promise.all(
    folders.map(async (each) => {
      const encoder = each.slice(0, -1);
      const { architectures } = await readConfig(files, joinPath(folder, encoder));
      const className = String([architectures].flat()[0]);
      const text = { encoder, tokenizer: encoder.replace('text_encoder', 'tokenizer'), className };
      return describeText(files, folder, text, folders.length > 1);
    }),
  );
  const { weights, dispose } = await loadParts<string>(name, Object.fromEntries(texts.entries()), {});
  try {
    const encoders = texts.map(({ tokenizer, config, skip }, i) => {
      return { tokenizer, config, skip, encode: clipText(weights[i]!, config) };
    });
    const model = { name, widths: texts.map(({ config }) => config.hidden_size) };
    const place = joinPath(path, name === 'sd1' ? 'embeddings' : `embeddings-${name}`);
    const embeddings = await loadEmbeddings(files, place, model);
    const of = (style: PromptReading['style'], emphasis: PromptReading['emphasis'] = 'original') => ({
      style,
      emphasis,
      embeddings,
    });
    const readings = {
      comfy: of('comfy'),
      webui: of('a1111'),
      no_norm: of('a1111', 'no norm'),
      ignore: of('a1111', 'ignore'),
      none: of('a1111', 'none'),
      diffusers: of('a1111'), // which puts the same vectors in the same places
    };
    use({ encoders, readings });
  } finally {
    dispose();
  }
}

/** Hands over what is wanted under names of a pattern, whose groups it is computed from. */
function each(
  golden: GoldenFolder,
  pattern: RegExp,
  compute: (...groups: string[]) => Parameters<GoldenFolder['output']>[1],
): void {
  for (const { name } of golden.wanted) {
    const match = pattern.exec(name);
    if (match)
      golden.output(
        name,
        tidy(() => compute(...match.slice(1)) as Tensor | number[]),
      );
  }
}

/** -1 stands for a vector. */
const idsOf = (chunks: readonly Chunk[]): number[] =>
  chunks.flatMap(({ tokens }) => tokens.map((token) => (typeof token === 'number' ? token : -1)));

const promptFor = ({ settings }: GoldenFolder, program: string, name: string): string => {
  const prompt = (settings.prompts as Record<string, string>)[name] as string;
  return program === 'comfy' ? prompt : bareNames(prompt);
};

function sd1Outputs(golden: GoldenFolder, { encoders: [encoder], readings }: Model): void {
  const { tokenizer } = encoder!;
  const reader = { tokenizer, length: promptLength(encoder!), index: 0 };
  const chunks = (program: string, name: string) =>
    readPrompt(promptFor(golden, program, name), reader, readings[program]!);
  const features = (prompt: string, reading: PromptReading, skip = 0) =>
    stableDiffusionFeatures(prompt, { ...encoder!, skip }, reading).context;
  const skipped = promptFor(golden, 'comfy', (golden.settings.clip_skip as { prompt: string }).prompt);
  const start = /^out\.(comfy|webui)\.sd1/.source;
  each(golden, RegExp(`${start}\\.(\\w+)\\.ids$`), (program, name) => idsOf(chunks(program!, name!)));
  each(golden, RegExp(`${start}\\.(\\w+)\\.weights$`), (program, name) =>
    chunks(program!, name!).flatMap(({ weights }) => weights),
  );
  each(golden, RegExp(`${start}\\.(\\w+)\\.features$`), (program, name) =>
    features(promptFor(golden, program!, name!), readings[program!]!),
  );
  each(golden, RegExp(`${start}\\.clip_skip_(\\d)$`), (program, k) =>
    features(skipped, readings[program!]!, Number(k) - 1),
  );
  each(golden, /^out\.webui\.sd1\.emphasis_(\w+)$/, (emphasis) =>
    features(promptFor(golden, 'webui', 'nested'), readings[emphasis!]!),
  );
  each(golden, /^out\.webui\.sd1\.(\w+)\.no_backtrack_ids$/, (name) => {
    const pieces = parseA1111(promptFor(golden, 'webui', name!)).map(({ text, weight }) => ({
      ids: tokenizer.ids(text),
      weight,
    }));
    const how = { marks: tokenizer.marks, comma: tokenizer.ids(',')[0], backtrack: 0, embeddingAt: () => undefined };
    return idsOf(chunkA1111(pieces, reader.length, how));
  });
  each(golden, /^out\.diffusers\.sd1\.embedding\.features$/, () =>
    features(golden.settings.diffusers_prompt as string, readings.diffusers!),
  );
}

function sdxlOutputs(golden: GoldenFolder, { encoders, readings }: Model): void {
  const chunks = (program: string, name: string, index: number) => {
    const { tokenizer } = encoders[index]!;
    return readPrompt(
      promptFor(golden, program, name),
      { tokenizer, length: promptLength(encoders[index]!), index },
      readings[program]!,
    );
  };
  const features = (prompt: string, reading: PromptReading, skip = 1) =>
    stableDiffusionXLFeatures(
      prompt,
      encoders.map((encoder) => ({ ...encoder, skip })),
      reading,
    );
  const skipped = promptFor(golden, 'comfy', (golden.settings.clip_skip as { prompt: string }).prompt);
  each(golden, /^out\.comfy\.sdxl\.(\w+)\.ids_([lg])$/, (name, which) =>
    idsOf(chunks('comfy', name!, which === 'l' ? 0 : 1)),
  );
  // Of the first encoder: as they are before the second one's padding.
  each(golden, /^out\.webui\.sdxl\.(\w+)\.ids$/, (name) => idsOf(chunks('webui', name!, 0)));
  const of = (program: string, name: string) => features(promptFor(golden, program, name), readings[program]!);
  each(golden, /^out\.(\w+)\.sdxl\.(\w+)\.features$/, (program, name) => of(program!, name!).context);
  each(golden, /^out\.(\w+)\.sdxl\.(\w+)\.pooled$/, (program, name) => of(program!, name!).pooled!);
  each(golden, /^out\.comfy\.sdxl\.clip_skip_(\d)$/, (k) => features(skipped, readings.comfy!, Number(k) - 1).context);
}
