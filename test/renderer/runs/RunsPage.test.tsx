// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ImagePlace, RunPart, RunSummary } from '../../../electron/host/ipc.ts';
import { RunsPage } from '../../../renderer/runs/RunsPage.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const start = graph({ n: node('number', { value: 2 }) }, 'Start');
const ran = graph({ n: node('number', { value: 8 }) }, 'Start');
const summary: RunSummary = {
  folder: 'f',
  started: '2026-02-03T12:00:00.000Z',
  title: 'Start',
  state: 'done',
  device: { name: 'cpu', description: '' },
  outputs: ['a.png', 'b.png', 'c.png'].map((name, i) => ({
    node: 's',
    name,
    mime: 'image/png',
    size: 1,
    sha256: '',
    label: { id: name, prompt: `prompt ${name}`, seed: i },
  })),
  copies: [],
  models: [],
  scores: [],
  watched: [],
  problems: [],
  warnings: [],
};

/** The page on one run, whose images can be deleted, restored and starred. */
async function show() {
  let stars: readonly ImagePlace[] = [];
  const binned = new Set<string>();
  const shell = fakeShell({
    listRunFolders: () => [{ ...summary, outputs: summary.outputs.filter(({ name }) => !binned.has(name)) }],
    readRunFile: () => new Uint8Array([1]),
    readRun: () => ({ graph: { document: ran } }),
    listStars: () => stars,
    markStars: (images: readonly ImagePlace[], starred: boolean) => {
      stars = starred ? images : [];
    },
    binRuns: (parts: readonly RunPart[]) => {
      for (const { names = [] } of parts) for (const name of names) binned.add(name);
    },
    restoreRuns: () => binned.clear(),
  } as Parameters<typeof fakeShell>[0]);
  const editor = openEditor(start, shell);
  editor.view.setState({ page: 'runs' });
  renderInEditor(editor, <RunsPage />);
  await act(async () => undefined);
  return { editor, shell };
}
const cards = () => screen.queryAllByRole('checkbox').map((box) => box.getAttribute('aria-label') ?? '');
const choose = (name: RegExp, shiftKey = false) =>
  act(async () => void fireEvent.click(screen.getByRole('checkbox', { name }), { shiftKey }));
const press = (name: string | RegExp) => act(async () => void fireEvent.click(screen.getByRole('button', { name })));

beforeEach(() => {
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('all images', () => {
  it('are searched', async () => {
    await show();
    expect(cards()).toHaveLength(3);
    await act(async () => void fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'b.png' } }));
    expect(cards()).toEqual([messages.gallery.choose('seed 1 · prompt b.png')]);
  });

  it('are chosen in a range, moved into the bin, and brought back by Undo', async () => {
    const { editor, shell } = await show();
    await choose(/a\.png/);
    await choose(/b\.png/, true);
    expect(screen.getByText(messages.results.selected(2))).toBeDefined();
    await press(messages.commands.remove);
    expect(shell.calls).toContainEqual(['binRuns', [{ folder: 'f', names: ['a.png', 'b.png'] }]]);
    expect(cards()).toHaveLength(1);
    const [notice] = editor.view.getState().notices;
    expect(notice?.text).toBe(messages.gallery.removed(2));
    await act(async () => notice?.action?.perform());
    expect(cards()).toHaveLength(3);
  });

  it('are starred, and shown alone', async () => {
    await show();
    await press(messages.gallery.starOf('seed 1 · prompt b.png'));
    await press(messages.gallery.starred);
    expect(cards()).toEqual([messages.gallery.choose('seed 1 · prompt b.png')]);
  });

  it('give their params to the open graph', async () => {
    const { editor } = await show();
    await choose(/a\.png/);
    await press(messages.gallery.useParams);
    expect(editor.graph.getState().document.nodes.n?.params.value).toBe(8);
    expect(editor.view.getState()).toMatchObject({ page: 'graph', notices: [{ text: messages.gallery.paramsSet(1) }] });
  });

  it('are compared in twos, with what differs in their runs', async () => {
    await show();
    await choose(/a\.png/);
    expect(screen.getByRole('button', { name: messages.gallery.compare })).toHaveProperty('disabled', true);
    await choose(/b\.png/);
    await press(messages.gallery.compare);
    expect(screen.getByRole('slider', { name: messages.results.slider })).toBeDefined();
    expect(screen.getByText(messages.results.noDifference)).toBeDefined();
    await press(messages.gallery.back);
    expect(cards()).toHaveLength(3);
  });
});
