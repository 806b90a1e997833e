import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import { loadClip } from '../models/load/loadClip.ts';
import { contentOf } from '../models/load/modelFolder.ts';
import { readMerges, simpleTokenizer } from '../text/simpleTokenizer.ts';
import { type ClipSettings, clipOutputs } from './clipOutputs.ts';
import type { Family, GoldenFolder } from './family.ts';

/** A model in open_clip's layout as HPSv2 publishes and uses it: the torch file, its tokenizer, cosines as scores. */
export const clipOpenclip: Family = async (golden) => {
  await tokenOutputs(golden);
  const names = (await golden.files.list(golden.path)) ?? [];
  const file = names.find((name) => name.endsWith('.pt')) ?? names.find((name) => /^open_clip_.*model/.test(name));
  if (!file)
    throw new UserError(
      'NOT_FOUND',
      `"${golden.path}" has no weights of an open_clip model; ${await contentOf(golden.files, golden.path)}.`,
    );
  const clip = await loadClip(golden.files, joinPath(golden.path, file));
  try {
    clipOutputs(golden, 'out.', clip, { offset: 1, scaled: false });
  } finally {
    clip.dispose();
  }
};

async function tokenOutputs(golden: GoldenFolder): Promise<void> {
  const row = golden.wanted.find(({ name }) => name === 'out.tokens.input_ids');
  if (!row) return;
  const folder = joinPath(golden.path, 'simple_tokenizer');
  const name = (await golden.files.list(folder))?.find((file) => file.endsWith('.gz')) ?? 'bpe_vocab.txt.gz';
  const path = joinPath(folder, name);
  const tokenizer = simpleTokenizer(readMerges(await golden.files.read(path), path));
  const { prompts } = golden.settings as unknown as ClipSettings;
  golden.output(
    row.name,
    prompts.flatMap((prompt) => tokenizer.encode(prompt, row.shape[1] ?? tokenizer.maxLength)),
  );
}
