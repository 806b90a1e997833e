import type { NodeCard } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import type { ModelKind } from '../../nodes/params.ts';
import { estimateCardShape } from '../level/cardShape.ts';
import { GRID } from '../level/grid.ts';
import { attempt } from '../state/attempt.ts';
import type { Editor } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { messages } from '../state/messages.ts';
import type { Point } from '../state/view.ts';
import { addNodeAt } from './add.ts';

/*
 * Files and texts that come from elsewhere: dropped on the window, or pasted.
 */

const IMAGE = /\.(png|jpe?g|webp|avif|gif|tiff?)$/i;
const MODEL = /\.(safetensors|sft|ckpt|pth?|bin)$/i;

/**
 * Takes in files at a place of the canvas: images become Load images, models the node that loads them, texts prompts, and
 * graphs are opened. One image that carries a graph asks which is meant. Throws the first `UserError` when all else is in.
 */
export async function takeFiles(editor: Editor, files: readonly File[], at: Point): Promise<void> {
  const kinds = files.map(kindOf);
  const of = (kind: ReturnType<typeof kindOf>) => files.filter((_, i) => kinds[i] === kind);
  const [only] = files;
  if (only && files.length === 1 && /\.png$/i.test(only.name) && (await asksForGraph(editor, only, at))) return;
  let place = at;
  const add = (type: string, params: Readonly<Record<string, string>>) => {
    place = addBelow(editor, type, place, params);
  };
  for (const images of await groupBySize(of('image'))) {
    const paths: string[] = [];
    for (const image of images) paths.push(await keepImage(editor, image));
    add('input/load-images', { path: paths.join('\n') });
  }
  const refused: UserError[] = [];
  // a model may also be a folder, or a file with an ending of its own
  for (const file of [...of('model'), ...of('other')]) {
    const taken = await editor.takeFile(file);
    const loader = taken?.model && findLoader(editor, taken.model);
    if (loader && taken) add(loader.card.type, { [loader.param]: taken.path });
    else if (kindOf(file) === 'other') refused.push(new UserError('UNKNOWN_FILE', messages.drop.unknown(file.name)));
    else {
      const text = taken ? messages.drop.unknownModel(file.name) : messages.drop.needsPath(file.name);
      refused.push(new UserError('NO_MODEL', text));
    }
  }
  for (const file of of('text')) place = addPrompt(editor, await file.text(), place);
  for (const graph of of('graph'))
    await attempt(editor, async () => {
      const bytes = new Uint8Array(await graph.arrayBuffer());
      await openFile(editor, await editor.desktop.readDropped(graph.name, bytes));
    });
  if (refused[0]) throw refused[0];
}

/** Adds a node that holds a text as a prompt, or as several where it has several lines; gives the place below it. */
export function addPrompt(editor: Editor, text: string, at: Point): Point {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return at;
  return lines.length === 1
    ? addBelow(editor, 'input/text', at, { text: lines[0]!.trim() })
    : addBelow(editor, 'input/prompt-list', at, { prompts: lines.join('\n') });
}

function kindOf({ name, type }: File): 'image' | 'model' | 'text' | 'graph' | 'other' {
  if (IMAGE.test(name)) return 'image';
  if (MODEL.test(name)) return 'model';
  if (/\.json$/i.test(name)) return 'graph';
  return /\.(txt|md)$/i.test(name) || type.startsWith('text/') ? 'text' : 'other';
}

/** Asks whether the graph that an image carries or the image itself is meant; false where it carries none. */
async function asksForGraph(editor: Editor, image: File, at: Point): Promise<boolean> {
  const bytes = new Uint8Array(await image.arrayBuffer());
  const graph = await editor.desktop.readDropped(image.name, bytes).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  if (!graph) return false;
  const load = () =>
    attempt(editor, async () => addBelow(editor, 'input/load-images', at, { path: await keepImage(editor, image) }));
  const open = () => attempt(editor, () => openFile(editor, graph));
  editor.view.setState({ overlay: { kind: 'dropped', name: image.name, open, load } });
  return true;
}

/** The path by which graphs know an image: its own, or that of a copy. */
async function keepImage(editor: Editor, image: File): Promise<string> {
  const taken = await editor.takeFile(image);
  return taken?.path ?? editor.desktop.keepImage(image.name, new Uint8Array(await image.arrayBuffer()));
}

/** Images of one size each, as one Load images takes them; those whose size cannot be told are alone. */
async function groupBySize(images: readonly File[]): Promise<File[][]> {
  const groups = new Map<string, File[]>();
  for (const [i, image] of images.entries()) {
    const size = await sizeOf(image).catch(() => `${i}`);
    groups.set(size, [...(groups.get(size) ?? []), image]);
  }
  return [...groups.values()];
}

async function sizeOf(image: File): Promise<string> {
  const bitmap = await createImageBitmap(image);
  const size = `${bitmap.width}x${bitmap.height}`;
  bitmap.close();
  return size;
}

/** The first node whose own model is of a kind, and the param that names it. */
function findLoader(editor: Editor, kind: ModelKind): { readonly card: NodeCard; readonly param: string } | undefined {
  for (const card of editor.graph.getState().library.values()) {
    const first = Object.entries(card.params).find(([, param]) => param.kind === 'model');
    if (first?.[1].kind === 'model' && first[1].takes === kind) return { card, param: first[0] };
  }
  return undefined;
}

/** Adds a node with values of its params; gives the place below it for the next one. */
function addBelow(editor: Editor, type: string, at: Point, params: Readonly<Record<string, string>>): Point {
  const { cards } = editor.graph.getState();
  const card = cards.get(type);
  if (!card) return at;
  editor.view.setState({ page: 'graph' });
  addNodeAt(editor, card, at, undefined, params);
  const { height } = estimateCardShape({ type, version: card.version, params, inputs: {}, position: [0, 0] }, cards);
  return { x: at.x, y: at.y + height + GRID * 5 };
}
