import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { drafts } from '../../electron/host/drafts.ts';
import type { Bridge } from '../../electron/host/ipc.ts';
import { emptyDocument } from '../../graphs/document/document.ts';
import { readGraph } from '../../graphs/document/read.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { library } from '../../nodes/index.ts';
import type { RandomStream } from '../../nodes/ml/random.ts';
import { openers } from './windows.ts';

/** Kills the application at a random moment while it saves a graph and its draft: both are whole, and it opens on them again. */
export async function killApplication(random: RandomStream): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'noiseloom-app-'));
  try {
    const location = join(home, 'graph.json');
    const text = writeGraph({
      ...emptyDocument('0'),
      notes: [{ text: 'x'.repeat(50_000), position: [0, 0], size: [1, 1] }],
    });
    await writeFile(location, text);
    await mkdir(join(home, 'data'));
    await writeFile(join(home, 'data', 'recent.json'), JSON.stringify([{ location, used: new Date().toISOString() }]));
    const opened = await openers.electron({ home, preferences: { device: 'cpu' } });
    const begun = new Promise<void>((resolve) =>
      opened.page.on('console', (message) => message.text() === 'saved 1' && resolve()),
    );
    await opened.page.evaluate(
      ([location, text]) => {
        const { noiseloom } = globalThis as unknown as { noiseloom: Bridge };
        const save = async () => {
          for (let i = 1; ; i++) {
            const next = text.replace('"title": "0"', `"title": "${i}"`);
            await noiseloom.saveGraph(location, next);
            await noiseloom.writeDraft({ id: 'a', name: 'A', text: next });
            if (i === 1) console.log('saved 1');
          }
        };
        void save();
      },
      [location, text] as const,
    );
    await begun;
    await wait(500 * random.uniform());
    await opened.crash();

    const saved = numberOf(await readFile(location, 'utf8'), text);
    const kept = await drafts(join(home, 'data')).list();
    const draft = numberOf(kept.find(({ id }) => id === 'a')?.text ?? '', text);
    if (saved !== draft && saved !== draft + 1) throw new Error(`Graph ${saved} was saved, but draft ${draft} kept`);
    const again = await openers.electron({ home });
    try {
      const found = await again.page.evaluate(async (location) => {
        const { noiseloom } = globalThis as unknown as { noiseloom: Bridge };
        const [graph, drafts] = [await noiseloom.openRecent(location), await noiseloom.listDrafts()];
        return [graph.ok && graph.value.text, drafts.ok && drafts.value.find(({ id }) => id === 'a')?.text];
      }, location);
      if (numberOf(String(found[0]), text) !== saved || numberOf(String(found[1]), text) !== draft)
        throw new Error('The new window finds other graphs');
    } finally {
      await again.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The number of a graph that must be whole. */
function numberOf(text: string, first: string): number {
  const { title } = readGraph(text, library).document;
  if (text !== first.replace('"title": "0"', `"title": "${title}"`)) throw new Error(`Graph ${title} is torn`);
  return Number(title);
}
