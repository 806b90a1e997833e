// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Problem } from '../../../graphs/document/problems.ts';
import { setParam } from '../../../graphs/edit/edit.ts';
import { ProblemText } from '../../../renderer/commands/ProblemText.tsx';
import { Overlays } from '../../../renderer/dialogs/Overlays.tsx';
import { Problems } from '../../../renderer/panels/Problems.tsx';
import { editGraph, undo } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { run } from '../../../renderer/state/running.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor, withDialogs } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const start = graph({ r: node('load-reward', { model: 'some/judge' }) }, 'Start');
const { mends } = messages.problems;
const problem = (code: string, message = 'It failed.'): Problem => ({ code, message, at: { node: 'r' } });
const press = (name: string) => act(async () => void fireEvent.click(screen.getByRole('button', { name })));

function show(shown: Problem, answers: Parameters<typeof fakeShell>[0] = {}) {
  const shell = fakeShell(answers);
  const editor = openEditor(start, shell);
  renderInEditor(
    editor,
    <>
      <ProblemText problem={shown} folder="f" />
      <Overlays />
    </>,
  );
  return { shell, editor, model: () => editor.graph.getState().document.nodes.r?.params.model };
}

afterEach(cleanup);

describe('a button below a problem', () => {
  it('downloads the model', async () => {
    const { shell, editor } = show(problem('NOT_FOUND'));
    await press(`${mends.download} some/judge`);
    expect(shell.calls).toContainEqual(['startPull', 'some/judge']);
    expect(editor.view.getState().side).toBe('models');
  });

  it('takes a file of the user, in one step back', async () => {
    const { editor, model } = show(problem('NOT_FOUND'), { ...withDialogs, chooseFile: () => '/my/file.pt' });
    await press(mends.choose);
    expect(model()).toBe('/my/file.pt');
    await act(async () => undo(editor.graph));
    expect(model()).toBe('some/judge');
  });

  it('frees the memory of results', async () => {
    const { shell } = show(problem('OUT_OF_MEMORY'));
    await press(mends.freeMemory);
    expect(shell.engine.clearCache).toHaveBeenCalledTimes(1);
  });

  it('opens the log of the run', async () => {
    const record = {
      state: 'failed',
      started: '2026-01-01',
      device: { name: 'cpu', description: 'slow' },
      versions: { node: '20' },
      nodes: { r: { state: 'failed', ms: 1500 } },
      remarks: [{ node: 'r', text: 'Look.' }],
      problems: [{ ...problem('NODE_FAILED', 'x is 3'), trace: 'at file.ts:1' }],
    };
    show(problem('NODE_FAILED'), { readRun: () => record as never });
    await press(mends.openLog);
    const log = screen.getByRole('dialog', { name: messages.log.name }).textContent ?? '';
    for (const part of ['f: failed', 'cpu: slow', 'r  failed  1.5 s', 'r: Look.', 'x is 3', 'at file.ts:1'])
      expect(log).toContain(part);
  });
});

it('a problem of a run leaves panel and notices when what its node depends on is changed, and comes back with it', async () => {
  const shell = fakeShell();
  const editor = openEditor(start, shell);
  renderInEditor(editor, <Problems />);
  const over = run(editor);
  const { emit, end, options } = shell.asked[0]!;
  const device = { name: 'cpu', description: '' };
  await act(async () => {
    emit({ type: 'run-started', run: options.run!, nodes: ['r'], device });
    emit({ type: 'problem', run: options.run!, problem: problem('BAD_SIZE', 'It is too wide. Narrow it.') });
    emit({ type: 'run-finished', run: options.run!, status: 'failed', ms: 1, ran: 0, cached: 0, freed: 0 });
    end();
    await over;
  });
  expect(editor.view.getState().notices.map(({ text }) => text)).toEqual(['It is too wide.']);
  expect(screen.getByText('It is too wide.')).toBeDefined();
  const { cards } = editor.graph.getState();
  await act(async () => editGraph(editor.graph, (document) => setParam(document, cards, 'r', 'model', 'mean')));
  expect(editor.view.getState().notices).toEqual([]);
  expect(screen.queryByText('It is too wide.')).toBeNull();
  await act(async () => undo(editor.graph));
  expect(screen.getByText('It is too wide.')).toBeDefined();
  vi.restoreAllMocks();
});
