// @vitest-environment happy-dom
import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { EditorContext } from '../../../renderer/state/editor.ts';
import { useRead } from '../../../renderer/state/useRead.ts';
import { graph } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';

afterEach(cleanup);

function Read({ folder }: { folder: string }) {
  const record = useRead<unknown>(folder, (desktop) => desktop.readRun(folder));
  return <p>{`${folder}: ${record ?? 'nothing yet'}`}</p>;
}

it('shows what was read for the key that it has now, whichever answer comes first', async () => {
  const answers: Record<string, (text: string) => void> = {};
  const readRun = (folder: string) => new Promise((resolve) => Object.assign(answers, { [folder]: resolve }));
  const editor = openEditor(graph({}), fakeShell({ readRun }));
  const within = (folder: string) => (
    <EditorContext value={editor}>
      <Read folder={folder} />
    </EditorContext>
  );
  const answer = (folder: string, text: string) => act(async () => answers[folder]!(text));
  const read = () => screen.getByText(/./).textContent;

  const { rerender } = render(within('a'));
  expect(read()).toBe('a: nothing yet');
  await answer('a', 'one');
  expect(read()).toBe('a: one');
  rerender(within('b'));
  expect(read()).toBe('b: nothing yet');
  rerender(within('c'));
  await answer('c', 'three');
  await answer('b', 'two');
  expect(read()).toBe('c: three');
});
