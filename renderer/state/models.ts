import type { KnownModel, ModelList } from '../../electron/host/ipc.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { setMissing } from './graph.ts';
import { isHubName, listModelUses } from './modelUses.ts';

/*
 * The models of this machine, and those that the graph names and that are not on it.
 */

/** Keeps the list of models, and of those that the graph misses, up to date. */
export function followModels(editor: Editor): void {
  let asked = '';
  const look = (isForced: boolean) => {
    const { whole, library, location } = editor.graph.getState();
    const names = [...new Set(listModelUses(whole, library).map(({ model }) => model))].sort();
    const key = [location, ...names].join('\n');
    if (key === asked && !isForced) return;
    asked = key;
    void attempt(editor, async () => {
      const missing = names.length === 0 ? [] : await editor.desktop.findMissingModels(names, location);
      if (key === asked) setMissing(editor.graph, missing ?? []);
    });
  };
  editor.graph.subscribe((state, before) => {
    if (state.whole !== before.whole || state.library !== before.library || state.location !== before.location)
      look(false);
  });
  editor.view.subscribe(({ models }, before) => models !== before.models && look(true));
  void learnModels(editor);
}

/** Asks what models there are. */
export function learnModels(editor: Editor): Promise<void> {
  return attempt(editor, async () => {
    const models = await editor.desktop.listModels();
    if (models) editor.view.setState({ models });
  });
}

/** Downloads models, one after the other, and shows how far they are. */
export async function pullModels(editor: Editor, names: readonly string[]): Promise<void> {
  for (const name of names) await editor.desktop.startPull(name);
}

/** Those of some names that can be downloaded, each once. */
export function pullable(names: readonly string[]): string[] {
  return [...new Set(names)].filter(isHubName);
}

/** Bytes of downloads together, where the size of each is known. */
export function sizeOfPulls(models: ModelList | undefined, names: readonly string[]): number | undefined {
  const sizes = names.map((name) => findKnown(models, name)?.bytes);
  return sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
}

function findKnown(models: ModelList | undefined, name: string): KnownModel | undefined {
  return models?.known.find((known) => known.name === name);
}
