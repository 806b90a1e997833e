// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../graphs/document/document.ts';
import { UserError } from '../../../nodes/errors.ts';
import { choice, integer, model, number, type Param, seed, text } from '../../../nodes/params.ts';
import { ParamControl } from '../../../renderer/controls/ParamControl.tsx';
import { messages } from '../../../renderer/state/messages.ts';
import { graph } from '../../graphs/example.ts';
import { fakeShell, openEditor, withDialogs } from '../fakeEditor.ts';
import { renderInEditor } from '../renderInEditor.tsx';

const help = 'For tests.';
let given: Json[];
let left: number;

/** The control of a param whose value follows what it gives. */
function Controlled({ param, initial }: { param: Param; initial: Json }) {
  const [value, setValue] = useState(initial);
  return (
    <ParamControl
      id="p"
      label="it"
      param={param}
      value={value}
      onChange={(next) => {
        given.push(next);
        setValue(next);
      }}
      onLeave={() => left++}
    />
  );
}

function show(param: Param, initial: Json, shell = fakeShell()): HTMLInputElement {
  given = [];
  left = 0;
  renderInEditor(openEditor(graph({}), shell), <Controlled param={param} initial={initial} />);
  return screen.getByLabelText<HTMLInputElement>('it');
}

/** What a field shows, and whether it is marked as wrong. */
function read(field: HTMLInputElement): [value: string, isWrong: boolean] {
  return [field.value, field.getAttribute('aria-invalid') === 'true'];
}

afterEach(cleanup);

describe('a number', () => {
  const param = number({ initial: 1, min: 0, max: 2, step: 0.25, unit: 'px', help });

  it('goes into the graph as it is typed, while it is allowed; other text waits, marked as wrong', () => {
    const field = show(param, 1);
    fireEvent.change(field, { target: { value: '1.5' } });
    fireEvent.change(field, { target: { value: '15' } });
    expect(given).toEqual([1.5]);
    expect(read(field)).toEqual(['15', true]);
    expect(field.title).toMatch(/0.*2/);
    fireEvent.blur(field);
    expect(read(field)).toEqual(['1.5', false]);
    expect(left).toBe(1);
  });

  it('changes by steps with the arrow keys, by ten with Shift, within its limits', () => {
    const field = show(param, 1);
    fireEvent.keyDown(field, { key: 'ArrowUp' });
    expect(field.value).toBe('1.25');
    fireEvent.keyDown(field, { key: 'ArrowDown', shiftKey: true });
    expect(field.value).toBe('0');
    fireEvent.keyDown(field, { key: 'ArrowUp', shiftKey: true });
    expect(field.value).toBe('2');
  });

  it('steps by one where it is an integer', () => {
    const field = show(integer({ initial: 1, min: 0, max: 20, help }), 7);
    fireEvent.keyDown(field, { key: 'ArrowDown' });
    expect(given.at(-1)).toBe(6);
  });
});

describe('a word for a special value', () => {
  const param = integer({ initial: 0, min: 0, max: 99, words: { model: 0 }, help });

  it('is said in plain words, and written as it can be typed', () => {
    const field = show(param, 0);
    expect(field.value).toBe(messages.controls.words.model);
    fireEvent.focus(field);
    expect(field.value).toBe('model');
    fireEvent.change(field, { target: { value: '7' } });
    expect(given).toEqual([7]);
    fireEvent.change(field, { target: { value: 'model' } });
    fireEvent.blur(field);
    expect(field.value).toBe(messages.controls.words.model);
  });

  it('says what it stands for where that is known', () => {
    const editor = openEditor(graph({}));
    const none = () => {};
    renderInEditor(
      editor,
      <ParamControl id="p" label="it" param={param} value={0} meaning="20 steps" onChange={none} onLeave={none} />,
    );
    expect(screen.getByLabelText<HTMLInputElement>('it').value).toBe(
      messages.controls.known(messages.controls.words.model!, '20 steps'),
    );
  });
});

describe('a choice', () => {
  it('keeps a value that is none of its options, marked as wrong', () => {
    const field = show(choice({ initial: 'a', options: ['a', 'b'], help }), 'old');
    expect(read(field)).toEqual(['old', true]);
    fireEvent.change(field, { target: { value: 'b' } });
    expect(given).toEqual(['b']);
    expect(read(field)).toEqual(['b', false]);
  });
});

describe('a seed', () => {
  it('is drawn anew by its button, as a step of its own', () => {
    show(seed({ initial: 0, help }), 3);
    fireEvent.click(screen.getByRole('button'));
    expect(given).toHaveLength(1);
    expect(given[0]).toSatisfy((drawn: number) => Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32);
    expect(left).toBe(1);
  });

  it('of -1 is drawn as it is typed, and the field shows which', () => {
    const field = show(seed({ initial: 0, help }), 3);
    fireEvent.change(field, { target: { value: '-' } });
    expect(given).toEqual([]);
    fireEvent.change(field, { target: { value: '-1' } });
    expect(given).toHaveLength(1);
    expect(given[0]).toSatisfy((drawn: number) => Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32);
    expect(read(field)).toEqual([String(given[0]), false]);
  });
});

describe('a text', () => {
  it('has several lines where its param says so', () => {
    expect(show(text({ initial: '', multiline: true, help }), 'a').tagName).toBe('TEXTAREA');
    cleanup();
    expect(show(text({ initial: '', help }), 'a').tagName).toBe('INPUT');
  });
});

describe('a prompt', () => {
  const param = text({ initial: '', multiline: true, isPrompt: true, help });
  const measured = (tokens: number, chunks: number) =>
    fakeShell({ measurePrompt: (prompt: string) => (prompt === '' ? undefined : { tokens, chunks }) });
  const count = () => document.querySelector('.token-count')?.textContent;

  it('tells its tokens while it is typed', async () => {
    const field = show(param, 'a dog', measured(2, 1));
    expect(count()).toBeUndefined();
    fireEvent.focus(field);
    await screen.findByText('2/75');
    fireEvent.blur(field);
    expect(count()).toBeUndefined();
  });

  it('tells them always where it is longer than a text encoder reads at once', async () => {
    show(param, 'dog '.repeat(80), measured(5, 2));
    expect((await screen.findByText('5/75 of chunk 2')).title).toMatch('cut where the prompt style is plain');
  });

  it('is no other text', () => {
    const shell = measured(2, 1);
    fireEvent.focus(show(text({ initial: '', multiline: true, help }), 'dog '.repeat(80), shell));
    expect(shell.calls.map(([method]) => method)).not.toContain('measurePrompt');
  });
});

describe('a model', () => {
  const param = model({ takes: 'clip', initial: 'a/b', help });
  const here = (name: string, kind = 'clip') => ({ name, kind, from: 'pulled', path: name, bytes: 1e6 });
  const list = {
    models: [here('a/b'), here('c/d'), here('e/f', 'generator')],
    known: [{ name: 'g/h', kind: 'clip', family: 'Some', bytes: 2e9 }],
    folder: '/models',
    freeBytes: 1,
  };
  const listModels = () => list;
  const options = () =>
    screen.queryAllByRole('option').map((option) => option.querySelector('span')?.firstChild?.textContent);
  const press = (field: HTMLElement, ...keys: string[]) => {
    for (const key of keys) fireEvent.keyDown(field, { key });
  };

  it('offers what fits once its field has the focus, and takes what is marked by Enter', async () => {
    const field = show(param, 'a/b', fakeShell({ listModels }));
    fireEvent.focus(field);
    await expect.poll(options).toEqual(['a/b', 'c/d', 'g/h']);
    press(field, 'ArrowDown', 'Enter');
    expect(given).toEqual(['c/d']);
    expect(options()).toEqual([]);
    press(field, 'ArrowDown');
    expect(options()).toHaveLength(3);
  });

  it('downloads what is chosen of those that are not here', async () => {
    const shell = fakeShell({ listModels });
    const field = show(param, 'a/b', shell);
    fireEvent.focus(field);
    await expect.poll(options).toHaveLength(3);
    press(field, 'ArrowUp', 'Enter');
    expect(given).toEqual(['g/h']);
    await expect.poll(() => shell.calls.at(-1)).toEqual(['startPull', 'g/h']);
  });

  it('takes what is typed by Enter or once the field is left, and by Escape stays as it was', async () => {
    const field = show(param, 'a/b', fakeShell({ listModels }));
    const type = (value: string) => fireEvent.change(field, { target: { value } });
    fireEvent.focus(field);
    type('/x/y');
    expect(given).toEqual([]);
    press(field, 'Enter');
    expect(given).toEqual(['/x/y']);
    expect(field.value).toBe('y');
    type('m/n');
    press(field, 'Escape');
    expect(options()).toEqual([]);
    press(field, 'ArrowDown');
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, field.value.length]); // to be written over
    press(field, 'Escape');
    fireEvent.blur(field);
    expect(given).toEqual(['/x/y']);
    type('m/n');
    fireEvent.blur(field);
    expect(given).toEqual(['/x/y', 'm/n']);
  });

  it('tells why the models cannot be listed or chosen', async () => {
    const fail = () => {
      throw new UserError('UNREADABLE', 'The folder cannot be read.');
    };
    const editor = openEditor(graph({}), fakeShell({ ...withDialogs, chooseFile: fail, listModels }));
    await expect.poll(() => editor.view.getState().models).toBeDefined();
    renderInEditor(editor, <Controlled param={param} initial="a/b" />);
    const field = screen.getByLabelText('it');
    fireEvent.focus(field);
    press(field, 'ArrowUp', 'Enter');
    await expect
      .poll(() => editor.view.getState().notices.map(({ text }) => text))
      .toEqual(['The folder cannot be read.']);
  });

  it('is chosen in a dialog where the shell has one', async () => {
    const field = show(param, 'a/b', fakeShell({ ...withDialogs, chooseFile: () => '/models/x', listModels }));
    fireEvent.focus(field);
    await expect.poll(options).toHaveLength(4);
    press(field, 'ArrowUp', 'Enter');
    await expect.poll(() => given).toEqual(['/models/x']);
  });
});
