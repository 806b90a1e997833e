// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { ModelsPanel } from '../../../renderer/panels/ModelsPanel.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

afterEach(cleanup);

const model = (name: string, kind: string | undefined, from = 'pulled') => ({
  name,
  kind,
  from,
  path: `/models/${name}`,
  bytes: 2_000_000,
});
const list = (...models: object[]) => ({ models, known: [], folder: '/models', freeBytes: 3_000_000_000 });

it('says how large a model is, and downloads it when asked again, whatever spaces are around its name', async () => {
  const files = [{ path: 'model.safetensors', size: 2_000_000 }];
  const plan = (name: string) => ({ name, commit: 'c', files, bytes: 2_000_000, freeBytes: 1e12 });
  const shell = fakeShell({ listModels: () => list(), planPull: plan });
  renderInEditor(openEditor(graph({}), shell), <ModelsPanel />);
  fireEvent.change(screen.getByLabelText(messages.models.pullName), { target: { value: ' a/b ' } });
  const button = screen.getByRole('button', { name: messages.models.pull });
  fireEvent.click(button);
  await screen.findByText(messages.models.planned('2.0 MB', 1));
  fireEvent.click(button);
  await expect.poll(() => shell.calls.at(-1)).toEqual(['startPull', 'a/b']);
});

it('groups models by kind, says where each is used and how much room there is, and deletes what was pulled', async () => {
  const shell = fakeShell({
    listModels: () =>
      list(model('org/c', 'clip'), model('builtin:w', 'generator', 'built in'), model('org/x', undefined)),
  });
  const editor = openEditor(graph({ r: node('load-reward', { model: 'org/c' }) }), shell);
  renderInEditor(editor, <ModelsPanel />);
  await screen.findByText('org/c');
  const { kinds, otherKinds } = messages.models;
  const heads = screen.getAllByRole('heading').map(({ textContent }) => textContent);
  expect(heads).toEqual([kinds.generator, kinds.clip, otherKinds]);
  screen.getByText(messages.models.free('3.0 GB'));
  fireEvent.click(screen.getByRole('button', { name: messages.models.usedBy(['Load reward']) }));
  expect(editor.view.getState().selection).toEqual([{ kind: 'node', id: 'r' }]);
  fireEvent.click(screen.getByRole('button', { name: messages.models.remove('org/c') }));
  await expect
    .poll(() => shell.calls.some(([method, name]) => method === 'removeModel' && name === 'org/c'))
    .toBe(true);
});

it('asks the hub how large unknown models are before it downloads all that the graph misses', async () => {
  const shell = fakeShell({
    listModels: () => list(),
    findMissingModels: (names: string[]) => names,
    planPull: (name: string) => ({ name, commit: 'c', files: [], bytes: 1_000_000, freeBytes: 1 }),
  });
  const reward = (name: string) => node('load-reward', { model: name });
  renderInEditor(openEditor(graph({ a: reward('org/a'), b: reward('org/b') }), shell), <ModelsPanel />);
  const pulled = () => shell.calls.filter(([method]) => method === 'startPull').map(([, name]) => name);
  fireEvent.click(await screen.findByRole('button', { name: messages.models.pullAll(2, undefined) }));
  const button = await screen.findByRole('button', { name: messages.models.pullAll(2, '2.0 MB') });
  expect(pulled()).toEqual([]);
  fireEvent.click(button);
  await expect.poll(pulled).toEqual(['org/a', 'org/b']);
});
