// @vitest-environment happy-dom
import { act, cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { exposeParam } from '../../../graphs/edit/form.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { Overlays } from '../../../renderer/dialogs/Overlays.tsx';
import { FormPage } from '../../../renderer/panels/FormPage.tsx';
import { NodeInspector } from '../../../renderer/panels/NodeInspector.tsx';
import { undo } from '../../../renderer/state/graph.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { run } from '../../../renderer/state/running.ts';
import { graph, node } from '../../graphs/example.ts';
import { fakeShell, openEditor } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const start = graph(
  {
    n: node('noise', { seed: 1 }),
    m: node('mix', {}, { a: 'n.noise' }),
    s: node('number'),
    d: node('mix', {}, { a: 'n.noise', scale: 's.number' }),
  },
  'Start',
);
const exposed = ['n.seed', 'm.scale', 'd.scale'].reduce(exposeParam, start);

afterEach(cleanup);

describe('the form of a graph', () => {
  it('sets params of nodes, one step back for what is typed at a time', () => {
    const editor = openEditor(exposed);
    renderInEditor(editor, <FormPage />);
    const seed = screen.getByLabelText('seed');
    fireEvent.change(seed, { target: { value: '12' } });
    fireEvent.change(seed, { target: { value: '123' } });
    fireEvent.blur(seed);
    const seedNow = () => editor.graph.getState().whole.nodes.n?.params.seed;
    expect(seedNow()).toBe(123);
    act(() => undo(editor.graph));
    expect(seedNow()).toBe(1);
    screen.getByText(messages.inspector.driven); // the scale of d
    expect(screen.queryByLabelText('scale 2')).toBeNull();
  });

  it('renames, moves and removes its fields, and says why a name cannot be', async () => {
    const editor = openEditor(exposed);
    renderInEditor(editor, <FormPage />);
    fireEvent.click(screen.getByRole('button', { name: messages.form.arrange }));
    const names = () => editor.graph.getState().whole.form?.fields.map(({ name }) => name);
    const rename = (to: string) => {
      const name = screen.getByLabelText(messages.form.name('seed'));
      fireEvent.change(name, { target: { value: to } });
      fireEvent.blur(name);
    };
    rename('scale');
    await expect.poll(() => editor.view.getState().notices[0]?.text).toContain('another field has this name');
    rename('start');
    await expect.poll(names).toEqual(['start', 'scale', 'scale2']);
    fireEvent.click(screen.getByRole('button', { name: messages.form.down('start') }));
    await expect.poll(names).toEqual(['scale', 'start', 'scale2']);
    fireEvent.click(screen.getByRole('button', { name: messages.form.remove('scale2') }));
    await expect.poll(names).toEqual(['scale', 'start']);
  });

  it('is put together in the inspector', () => {
    const editor = openEditor(start);
    renderInEditor(editor, <NodeInspector id="n" />);
    const form = () => editor.graph.getState().whole.form;
    fireEvent.click(screen.getByRole('button', { name: `seed: ${messages.form.show}` }));
    fireEvent.click(screen.getByRole('switch', { name: messages.form.showResults }));
    expect(form()).toEqual({ fields: [{ name: 'seed', param: 'n.seed' }], results: ['n'] });
    fireEvent.click(screen.getByRole('button', { name: `seed: ${messages.form.hide}` }));
    fireEvent.click(screen.getByRole('switch', { name: messages.form.showResults }));
    expect(form()).toBeUndefined();
  });

  it('says how to begin where there are no fields, and goes to the graph', () => {
    const editor = openEditor(start);
    editor.view.setState({ page: 'form' });
    renderInEditor(editor, <FormPage />);
    screen.getByText(messages.form.empty);
    fireEvent.click(screen.getByRole('button', { name: messages.commands.showGraph }));
    expect(editor.view.getState()).toMatchObject({ page: 'graph', inspector: true });
  });

  it('shows the images of the last run, and each one large', async () => {
    const shell = fakeShell();
    const editor = openEditor(exposed, shell);
    renderInEditor(
      editor,
      <>
        <FormPage />
        <Overlays />
      </>,
    );
    screen.getByText(messages.form.noResults);
    void run(editor);
    const { emit, options } = shell.asked[0]!;
    const tell = (event: object) => act(async () => emit({ ...event, run: options.run } as unknown as RunEvent));
    await tell({ type: 'run-started', nodes: ['n', 'm'], device: { name: 'cpu', description: '' } });
    const image = { type: 'image', node: 'm', mime: 'image/png', bytes: new Uint8Array([137, 80, 78, 71]) };
    await tell({ ...image, name: 'a.png', label: { prompt: 'a cat', seed: 4 } });
    await tell({ ...image, name: 'b.png', label: { prompt: 'a dog', seed: 5 } });
    expect(screen.queryByText(messages.form.noResults)).toBeNull();
    fireEvent.click(screen.getByTitle(/a dog/));
    screen.getByText('2 / 2');
  });
});
