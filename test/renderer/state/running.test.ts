import { beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../../nodes/errors.ts';
import type { Editor } from '../../../renderer/state/editor.ts';
import { newGraph } from '../../../renderer/state/files.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { run } from '../../../renderer/state/running.ts';
import { graph, node } from '../../graphs/example.ts';
import { type AskedRun, type FakeShell, fakeShell, openEditor } from '../fakeEditor.ts';

const start = graph({ n: node('number', { value: 2 }) }, 'Start');
const device = { name: 'cpu', description: '' };
let shell: FakeShell;
let editor: Editor;
const notices = () => editor.view.getState().notices;
const runs = () => editor.runs.getState();

beforeEach(() => {
  shell = fakeShell();
  editor = openEditor(start, shell);
});

/** Begins a run and gives what the engine was asked, with the promise of its end. */
function begin(): { asked: AskedRun; id: string; over: Promise<void> } {
  const over = run(editor);
  const asked = shell.asked.at(-1)!;
  return { asked, id: asked.options.run!, over };
}

describe('a run', () => {
  it('is folded from its events, and counted when it ends', async () => {
    const { asked, id, over } = begin();
    asked.emit({ type: 'run-started', run: id, nodes: ['n'], device, folder: 'f' });
    expect(runs().runs[0]).toMatchObject({ state: 'running', folder: 'f', nodes: { n: { state: 'waiting' } } });
    asked.emit({ type: 'run-finished', run: id, status: 'done', ms: 5, ran: 1, cached: 0, freed: 0 });
    asked.end();
    await over;
    expect(runs().runs[0]?.state).toBe('done');
    expect(editor.view.getState().finished).toBe(1);
    expect(notices()).toEqual([]);
  });

  it('that failed says why, once, and leads to the problems', async () => {
    const { asked, id, over } = begin();
    const problem = (message: string) => ({ code: 'FAILED', message, at: { node: 'n' } }) as never;
    asked.emit({ type: 'problem', run: id, problem: problem('First.') });
    asked.emit({ type: 'problem', run: id, problem: problem('Second.') });
    asked.end();
    await over;
    expect(notices()).toMatchObject([
      { kind: 'failure', text: 'First.', action: { label: messages.run.showProblems } },
    ]);
    editor.view.setState({ page: 'runs' });
    notices()[0]?.action?.perform();
    expect(editor.view.getState()).toMatchObject({ problems: true, page: 'graph' });
  });

  it('of a graph with problems that are shown already says no more than that', async () => {
    editor = openEditor(graph({ a: node('sum') }), shell);
    expect(editor.graph.getState().problems).not.toEqual([]);
    const { asked, id, over } = begin();
    asked.emit({ type: 'problem', run: id, problem: { code: 'X', message: 'Long.', at: {} } as never });
    asked.emit({ type: 'run-finished', run: id, status: 'invalid', ms: 0, ran: 0, cached: 0, freed: 0 });
    asked.end();
    await over;
    expect(notices().map(({ text }) => text)).toEqual([messages.run.hasProblems]);
  });

  it('breaks where the engine goes away, unless it was over', async () => {
    const first = begin();
    first.asked.emit({ type: 'run-started', run: first.id, nodes: [], device });
    first.asked.end(new UserError('ENGINE_LOST', 'raw'));
    await first.over;
    expect(runs().runs[0]).toMatchObject({ state: 'failed', problems: [{ message: messages.run.lost }] });
    const second = begin();
    const finished = { type: 'run-finished', status: 'done', ms: 1, ran: 1, cached: 0, freed: 0 } as const;
    second.asked.emit({ ...finished, run: second.id });
    second.asked.end(new UserError('ENGINE_LOST', 'raw'));
    await second.over;
    expect(runs().runs[1]?.state).toBe('done');
  });

  it('passes on what is a mistake in the program', async () => {
    const { asked, over } = begin();
    asked.end(new TypeError('x is not a function'));
    await expect(over).rejects.toThrow('x is not a function');
  });

  it('shows itself when it starts, and not in another graph that was opened meanwhile', () => {
    const first = begin();
    editor.runs.setState({ shown: undefined });
    first.asked.emit({ type: 'run-started', run: first.id, nodes: [], device });
    expect(runs().shown).toBe(first.id);
    const second = begin();
    newGraph(editor);
    second.asked.emit({ type: 'run-started', run: second.id, nodes: [], device });
    expect(runs().shown).toBeUndefined();
  });

  it('takes away what was told of the one before', () => {
    editor.view.setState({ notices: [{ id: 1, kind: 'failure', text: 'before' }] });
    begin();
    expect(notices()).toEqual([]);
  });
});

it('that waits when the engine goes away waits on in the next one, or breaks where that does not know it', async () => {
  const [kept, gone] = [begin(), begin()];
  for (const { asked } of [kept, gone]) asked.end(new UserError('ENGINE_LOST', 'raw'));
  await Promise.all([kept.over, gone.over]);
  expect(runs().runs.map(({ state, lost }) => [state, lost])).toEqual([
    ['waiting', true],
    ['waiting', true],
  ]);
  expect(notices()).toEqual([]);
  vi.mocked(shell.engine.listRuns).mockResolvedValue([{ run: kept.id, title: 'Start' }] as never);
  vi.mocked(shell.engine.followRun).mockImplementation(async (name, emit) => {
    emit({ type: 'run-started', run: name, nodes: [], device });
    return undefined as never;
  });
  shell.connect();
  await expect.poll(() => runs().runs.map(({ state }) => state)).toEqual(['running', 'failed']);
  expect(runs().runs[0]?.lost).toBeUndefined();
});

it('follows the runs of another window, and none twice', async () => {
  const { id } = begin();
  vi.mocked(shell.engine.listRuns).mockResolvedValue([
    { run: id, title: 'Start' },
    { run: 'other', title: 'Theirs' },
  ] as never);
  vi.mocked(shell.engine.followRun).mockImplementation(async (name, emit) => {
    emit({ type: 'run-started', run: name, nodes: [], device });
    return undefined as never;
  });
  shell.connect();
  await expect.poll(() => runs().runs.map(({ title }) => title)).toEqual(['Start', 'Theirs']);
  expect(shell.engine.followRun).toHaveBeenCalledTimes(1);
  await expect.poll(() => runs().shown).toBe('other');
});
