import { beforeEach, describe, expect, it } from 'vitest';
import type { Editor } from '../../../renderer/state/editor.ts';
import { selectNodes } from '../../../renderer/state/view.ts';
import { graph, node } from '../../graphs/example.ts';
import { type FakeShell, fakeShell, openEditor } from '../fakeEditor.ts';
import { isEnabled, perform } from './performing.ts';

const start = graph({
  noise: node('noise', { seed: 3 }),
  other: node('noise', { seed: 3 }),
  mix: node('mix', {}, { a: 'noise.noise', b: 'other.noise' }),
});
let shell: FakeShell;
let editor: Editor;
const seeds = () => Object.values(editor.graph.getState().whole.nodes).flatMap(({ params }) => params.seed ?? []);
/** Begins a command that ends only with its run. */
const begin = (name: 'run' | 'runOtherSeeds' | 'runToHere') => void perform(editor, name);
const told = () => shell.asked.at(-1)!;

beforeEach(() => {
  shell = fakeShell();
  editor = openEditor(start, shell);
});

it('runs the graph as it is, with previews', () => {
  begin('run');
  expect(told().document).toBe(editor.graph.getState().whole);
  expect(told().options).toEqual({ run: expect.any(String), previews: true });
  expect(editor.runs.getState()).toMatchObject({ shown: told().options.run, runs: [{ state: 'waiting' }] });
});

it('runs to the selected nodes', () => {
  expect(isEnabled(editor, 'runToHere')).toBe(false);
  selectNodes(editor.view, ['noise', 'mix']);
  begin('runToHere');
  expect(told().options.targets).toEqual(['noise', 'mix']);
});

it('runs with other seeds: equal ones stay equal, and undo brings back those before', async () => {
  begin('runOtherSeeds');
  const [first, second] = seeds();
  expect(first).not.toBe(3);
  expect(second).toBe(first);
  await perform(editor, 'undo');
  expect(seeds()).toEqual([3, 3]);
});

describe('stop and pause', () => {
  it('are for a run that goes on', async () => {
    expect([isEnabled(editor, 'stop'), isEnabled(editor, 'pause')]).toEqual([false, false]);
    begin('run');
    const { run } = told().options as { run: string };
    expect([isEnabled(editor, 'stop'), isEnabled(editor, 'pause')]).toEqual([true, false]);
    told().emit({ type: 'run-started', run, nodes: [], device: { name: 'cpu', description: '' } });
    await perform(editor, 'pause');
    expect(shell.engine.pauseRun).toHaveBeenCalledWith(run);
    told().emit({ type: 'run-paused', run });
    await perform(editor, 'pause');
    expect(shell.engine.resumeRun).toHaveBeenCalledWith(run);
    await perform(editor, 'stop');
    expect(shell.engine.cancelRun).toHaveBeenCalledWith(run);
    told().emit({ type: 'run-finished', run, status: 'cancelled', ms: 1, ran: 0, cached: 0, freed: 0 });
    expect([isEnabled(editor, 'stop'), isEnabled(editor, 'pause')]).toEqual([false, false]);
  });

  it('mean the first of several runs', async () => {
    begin('run');
    begin('run');
    await perform(editor, 'stop');
    expect(shell.engine.cancelRun).toHaveBeenCalledWith(shell.asked[0]?.options.run);
  });
});

it('frees the memory and restarts the engine', async () => {
  await perform(editor, 'freeMemory');
  expect(shell.engine.clearCache).toHaveBeenCalled();
  await perform(editor, 'restartEngine');
  expect(shell.calls.at(-1)).toEqual(['restartEngine']);
});
