import { writeGraph } from '../../graphs/document/write.ts';
import { setParam } from '../../graphs/edit/edit.ts';
import { addNodeAt } from '../commands/add.ts';
import { attempt } from '../state/attempt.ts';
import type { Editor } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { editGraph, editWhole } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { pickNodes } from '../state/selection.ts';
import { notify } from '../state/view.ts';
import type { GalleryImage } from './galleryImages.ts';
import { takeParams } from './takeParams.ts';

/*
 * What can be done with images of the gallery.
 */

/** Sets the params of the graph on the canvas as they were in the run of an image; another graph is opened as it was. */
export async function takeParamsOf(editor: Editor, { folder, title }: GalleryImage): Promise<void> {
  const { graph, view } = editor;
  const { document } = (await editor.desktop.readRun(folder)).graph;
  const taken = takeParams(graph.getState().whole, document);
  if (taken.alike === 0) {
    void attempt(editor, () => openFile(editor, { name: title, text: writeGraph(document) }));
    return;
  }
  editWhole(graph, () => taken.document);
  view.setState({ page: 'graph' });
  notify(view, { kind: 'note', text: messages.gallery.paramsSet(taken.changed) });
}

/** Adds a node that loads images of the gallery, right of all others. */
export function loadInGraph(editor: Editor, images: readonly GalleryImage[]): void {
  const { graph, view } = editor;
  const { cards, document } = graph.getState();
  const card = cards.get('input/load-images');
  if (!card) return;
  const places = Object.values(document.nodes).map(({ position }) => position);
  const x = Math.max(0, ...places.map(([x]) => x + 336));
  const y = places.length > 0 ? Math.min(...places.map(([, y]) => y)) : 0;
  addNodeAt(editor, card, { x, y });
  const runs = view.getState().about?.folders.runs ?? '';
  const paths = images.map(({ folder, name }) => `${runs}/${folder}/${name}`).join('\n');
  const [id] = pickNodes(view.getState().selection);
  if (id !== undefined) editGraph(graph, (before) => setParam(before, cards, id, 'path', paths));
  view.setState({ page: 'graph' });
}

/** Moves images into the bin, and says how to get them back. */
export async function removeImages(
  editor: Editor,
  images: readonly GalleryImage[],
  onChange: () => void,
): Promise<void> {
  const { desktop, view } = editor;
  const folders = [...new Set(images.map(({ folder }) => folder))];
  const parts = folders.map((folder) => ({
    folder,
    names: images.filter((image) => image.folder === folder).map(({ name }) => name),
  }));
  await desktop.binRuns(parts);
  onChange();
  notify(view, {
    kind: 'note',
    text: messages.gallery.removed(images.length),
    action: {
      label: messages.commands.undo,
      perform: () => void attempt(editor, () => desktop.restoreRuns(parts).then(onChange)),
    },
  });
}
