// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { WhyFailed } from '../../../renderer/runs/WhyFailed.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { pickNodes } from '../../../renderer/state/selection.ts';
import { graph, node } from '../../graphs/example.ts';
import { openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const ran = graph({ n: node('number', { value: 2 }) });
const problem = { code: 'TOO_BLUE', message: '"Number" (n): The sea is too blue.', at: { node: 'n' } };
const show = () => act(async () => void fireEvent.click(screen.getByRole('button', { name: messages.problems.show })));

afterEach(cleanup);

it('says why a run failed and shows the node where the graph has it', async () => {
  const editor = openEditor(ran);
  editor.view.setState({ page: 'runs' });
  const openGraph = vi.fn();
  renderInEditor(editor, <WhyFailed problem={problem} folder="f" document={ran} openGraph={openGraph} />);
  expect(screen.getByText('The sea is too blue.')).toBeDefined();
  await show();
  expect(editor.view.getState().page).toBe('graph');
  expect(pickNodes(editor.view.getState().selection)).toEqual(['n']);
  expect(openGraph).not.toHaveBeenCalled();
});

it('opens the graph that ran first, where another is open', async () => {
  const editor = openEditor(graph({ other: node('number', { value: 2 }) }));
  const openGraph = vi.fn();
  renderInEditor(editor, <WhyFailed problem={problem} folder="f" document={ran} openGraph={openGraph} />);
  await show();
  expect(openGraph).toHaveBeenCalledTimes(1);
});
