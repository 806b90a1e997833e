import { joinPath } from '../../files.ts';
import { loadClip } from '../models/load/loadClip.ts';
import { loadClipTokenizer } from '../text/clipTokenizer.ts';
import { type ClipSettings, clipOutputs } from './clipOutputs.ts';
import type { Family, GoldenFolder } from './family.ts';

/** What ReNO subtracts the scores of a model from, by the folder of the model. Source: ReNO, rewards/{clip,pickscore}.py */
const offsets: Readonly<Record<string, number>> = { clip: 100, pickscore: 30 };

/** Models in transformers' layout, a folder each, as CLIP and as PickScore use them, and their tokenizer. */
export const clipHf: Family = async (golden) => {
  await tokenOutputs(golden);
  const folders = golden.wanted.flatMap(({ name }) => /^out\.(?!tokens\.)(\w+)\./.exec(name)?.[1] ?? []);
  for (const folder of new Set(folders)) {
    const clip = await loadClip(golden.files, joinPath(golden.path, folder));
    try {
      clipOutputs(golden, `out.${folder}.`, clip, { offset: offsets[folder] ?? 100, scaled: true });
    } finally {
      clip.dispose();
    }
  }
};

async function tokenOutputs(golden: GoldenFolder): Promise<void> {
  const row = golden.wanted.find(({ name }) => name === 'out.tokens.input_ids');
  if (!row) return;
  const tokenizer = await loadClipTokenizer(golden.files, joinPath(golden.path, 'tokenizer'));
  const { prompts } = golden.settings as unknown as ClipSettings;
  golden.output(
    row.name,
    prompts.flatMap((prompt) => tokenizer.encode(prompt, row.shape[1] ?? tokenizer.maxLength)),
  );
}
