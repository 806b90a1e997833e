// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { QueuePanel } from '../../../renderer/panels/QueuePanel.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { addRun, changeRun, foldRun, waitingRun } from '../../../renderer/state/run.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const device = { name: 'cpu', description: '' };

/** The panel with a run that is half done and three that wait. */
function show() {
  const shell = fakeShell();
  vi.mocked(shell.engine.moveRun).mockResolvedValue(true);
  const editor = openEditor(graph({ n: node('number') }), shell);
  for (const id of ['a', 'b', 'c', 'd']) addRun(editor.runs, waitingRun(id, `Graph ${id}`));
  changeRun(editor.runs, 'a', (run) =>
    foldRun(
      foldRun(run, { type: 'run-started', run: 'a', nodes: ['n', 'm'], device }, 0),
      { type: 'node-cached', run: 'a', node: 'n' },
      0,
    ),
  );
  editor.view.setState({ queue: true });
  renderInEditor(editor, <QueuePanel />);
  return {
    shell,
    editor,
    order: () => screen.getAllByRole('listitem').map((item) => item.querySelector('b')?.textContent),
  };
}
const press = (name: string) => act(async () => void fireEvent.click(screen.getByRole('button', { name })));

afterEach(cleanup);

describe('the queue', () => {
  it('names every run and says how far the one that goes on is', () => {
    const { order } = show();
    expect(order()).toEqual(['Graph a', 'Graph b', 'Graph c', 'Graph d']);
    expect(screen.getByText('running · 50 %')).toBeDefined();
    expect(screen.getAllByText(messages.run.waiting)).toHaveLength(3);
  });

  it('moves a waiting run by its arrows', async () => {
    const { shell, order } = show();
    await press(messages.queue.earlier('Graph c'));
    expect(shell.engine.moveRun).toHaveBeenLastCalledWith('c', 'b');
    expect(order()).toEqual(['Graph a', 'Graph c', 'Graph b', 'Graph d']);
    await press(messages.queue.later('Graph b'));
    expect(shell.engine.moveRun).toHaveBeenLastCalledWith('b', undefined);
    expect(order()).toEqual(['Graph a', 'Graph c', 'Graph d', 'Graph b']);
  });

  it('moves a waiting run by drag, up and down', async () => {
    const { order } = show();
    const drag = async (from: number, to: number) => {
      const items = screen.getAllByRole('listitem');
      await act(async () => void fireEvent.dragStart(items[from]!));
      await act(async () => void fireEvent.dragOver(items[to]!));
      await act(async () => void fireEvent.drop(items[to]!));
    };
    await drag(3, 1);
    expect(order()).toEqual(['Graph a', 'Graph d', 'Graph b', 'Graph c']);
    await drag(1, 3);
    expect(order()).toEqual(['Graph a', 'Graph b', 'Graph c', 'Graph d']);
  });

  it('says at once that a run is stopping', async () => {
    const { shell } = show();
    await press(messages.queue.stop('Graph a'));
    expect(shell.engine.cancelRun).toHaveBeenCalledWith('a');
    expect(screen.getByText(messages.run.stopping)).toBeDefined();
    expect(screen.getByRole('button', { name: messages.queue.stop('Graph a') })).toHaveProperty('disabled', true);
  });
});
