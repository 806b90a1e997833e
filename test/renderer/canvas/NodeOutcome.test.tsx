// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { setParam } from '../../../graphs/edit/edit.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { HackMark, NodeOutcome } from '../../../renderer/canvas/NodeOutcome.tsx';
import { Overlays } from '../../../renderer/dialogs/Overlays.tsx';
import { editGraph, undo } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { run } from '../../../renderer/state/running.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const start = graph({ n: node('noise', { seed: 1 }), m: node('mix', {}, { a: 'n.noise' }) }, 'Start');
const device = { name: 'cpu', description: '' };
const png = new Uint8Array([137, 80, 78, 71]);

/** An editor with the outcome of a node on the screen, and a run of its graph that emits events without their `run`. */
async function show() {
  const shell = fakeShell();
  const editor = openEditor(start, shell);
  renderInEditor(
    editor,
    <>
      <HackMark id="m" />
      <NodeOutcome id="m" />
      <Overlays />
    </>,
  );
  const begin = () => {
    void run(editor);
    const asked = shell.asked.at(-1)!;
    const tell = (event: object) =>
      act(async () => asked.emit({ ...event, run: asked.options.run } as unknown as RunEvent));
    return { tell, start: () => tell({ type: 'run-started', nodes: ['n', 'm'], device, folder: 'f' }) };
  };
  return { editor, begin };
}
const copy = (output: string, place: number, count: number) => ({
  type: 'copy',
  node: 'm',
  output,
  count,
  name: `copies/${output}${place}.png`,
  mime: 'image/png',
  bytes: png,
  label: { prompt: `prompt ${place}`, seed: place },
});
const finished = { type: 'run-finished', status: 'done', ms: 5, ran: 2, cached: 0, freed: 0 };
const thumbnails = () => screen.queryAllByRole('button', { name: /^Show large/ });

afterEach(cleanup);

describe('the outcome of a node', () => {
  it('shows the images that it gave, after the run as well, and says how many more there are', async () => {
    const { begin } = await show();
    const { start, tell } = begin();
    await start();
    for (let i = 0; i < 10; i++) await tell(copy('images', i, 24));
    await tell(finished);
    expect(thumbnails()).toHaveLength(8);
    expect(screen.getByText('+16')).toBeDefined();
  });

  it('opens the viewer at what was clicked, with all images of the node and a choice of what lies before', async () => {
    const { begin } = await show();
    const { start, tell } = begin();
    await start();
    for (let i = 0; i < 2; i++) await tell(copy('images', i, 2));
    for (let i = 0; i < 2; i++) await tell(copy('firstImages', i, 2));
    expect(thumbnails()).toHaveLength(2);
    await act(async () => void fireEvent.click(thumbnails()[1]!));
    expect(screen.getByText('2 / 4')).toBeDefined();
    await act(async () => void fireEvent.keyDown(screen.getByText('2 / 4'), { key: 'ArrowRight' }));
    expect(screen.getByText('3 / 4')).toBeDefined();
    const before = screen.getByRole('combobox') as HTMLSelectElement;
    expect([...before.options].map(({ text }) => text)).toContain('images 1 of 2 · seed 0 · prompt 0');
    await act(async () => void fireEvent.change(before, { target: { value: 'images 1' } }));
    expect(screen.getByRole('slider')).toBeDefined();
  });

  it('is dimmed and says so when its inputs change, and no longer when they are as they were', async () => {
    const { editor, begin } = await show();
    const { start, tell } = begin();
    await start();
    await tell(copy('images', 0, 1));
    await tell(finished);
    expect(screen.queryByText(messages.run.stale)).toBeNull();
    const { cards } = editor.graph.getState();
    await act(async () => editGraph(editor.graph, (document) => setParam(document, cards, 'n', 'seed', 9)));
    expect(screen.getByText(messages.run.stale)).toBeDefined();
    expect(thumbnails()).toHaveLength(1);
    await act(async () => undo(editor.graph));
    expect(screen.queryByText(messages.run.stale)).toBeNull();
  });

  it('stays while the next run waits, and gives way to work in progress', async () => {
    const { begin } = await show();
    const first = begin();
    await first.start();
    await first.tell(copy('images', 0, 1));
    await first.tell(finished);
    const second = begin();
    await second.start();
    expect(thumbnails()).toHaveLength(1);
    await second.tell({ type: 'node-started', node: 'm' });
    await second.tell({ type: 'preview', node: 'm', preview: { width: 1, height: 1, rgb: new Uint8Array(3) } });
    expect(thumbnails()).toHaveLength(0);
    expect(document.querySelector('canvas.preview')).not.toBeNull();
  });

  it('marks rewards that were exploited, and names watched rewards as such', async () => {
    const { begin } = await show();
    const { start, tell } = begin();
    await start();
    const columns = [
      { name: 'total', role: 'total' },
      { name: 'CLIP', role: 'watched' },
    ];
    const trace = { columns, values: [[[1, 2]]], labels: [{}], kept: [0], remarks: ['It fell.'], hacks: true };
    await tell({ type: 'trace', node: 'm', output: 'trace', trace });
    await tell(finished);
    expect(screen.getByText('CLIP (watched)')).toBeDefined();
    expect(screen.getByLabelText(messages.run.hacks)).toBeDefined();
    expect(screen.getByText('It fell.')).toBeDefined();
  });
});
