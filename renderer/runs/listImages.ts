import type { RunSummary } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import { isImage } from '../state/run.ts';
import { captionImage, type ViewedImage } from '../state/viewedImages.ts';

/** A run whose images are listed: a summary, or a record. */
export type RunImages = Pick<RunSummary, 'outputs'> & Partial<Pick<RunSummary, 'folder' | 'copies'>>;

/** The images that are not among the known ones, by their ids or else their names, each once. Adds them to the known ones. */
export function onlyNew<File extends Pick<RunSummary['outputs'][number], 'name' | 'label'>>(
  files: readonly File[],
  known: Set<string>,
): File[] {
  return files.filter(({ name, label }) => {
    const id = label?.id ?? name;
    return !known.has(id) && known.add(id);
  });
}

/** The images that a run saved, and small copies of those that its nodes only showed, each once. */
export function listImages({ folder, outputs, copies = [] }: RunImages): ViewedImage[] {
  const saved = outputs.filter(isImage);
  const known = new Set(saved.flatMap(({ label }) => label?.id ?? []));
  const shown = onlyNew(copies, known);
  return [
    ...saved.map(({ name, label }) => ({ name, label, called: name })),
    ...shown.map(({ name, label, node, output }) => ({ name, label, called: messages.results.shownBy(node, output) })),
  ].map(({ name, label, called }) => ({
    key: name,
    name,
    ...(folder === undefined ? {} : { folder }),
    caption: captionImage(label, called),
    ...(label ? { label } : {}),
  }));
}
