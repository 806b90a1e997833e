// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { ModelsPanel } from '../../../renderer/panels/ModelsPanel.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { graph } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

afterEach(cleanup);

it('says how large a model is, and downloads it when asked again, whatever spaces are around its name', async () => {
  const files = [{ path: 'model.safetensors', size: 2_000_000 }];
  const plan = (name: string) => ({ name, commit: 'c', files, bytes: 2_000_000, freeBytes: 1e12 });
  const shell = fakeShell({ listModels: () => [], planPull: plan });
  renderInEditor(openEditor(graph({}), shell), <ModelsPanel />);
  fireEvent.change(screen.getByLabelText(messages.models.pullName), { target: { value: ' a/b ' } });
  const button = screen.getByRole('button', { name: messages.models.pull });
  fireEvent.click(button);
  await screen.findByText(messages.models.planned('2.0 MB', 1));
  fireEvent.click(button);
  await expect.poll(() => shell.calls.at(-1)).toEqual(['startPull', 'a/b']);
});
