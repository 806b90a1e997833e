// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../graphs/document/document.ts';
import { UserError } from '../../../nodes/errors.ts';
import { choice, integer, model, number, type Param, seed, text } from '../../../nodes/params.ts';
import { ParamControl } from '../../../renderer/controls/ParamControl.tsx';
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
});

describe('a text', () => {
  it('has several lines where its param says so', () => {
    expect(show(text({ initial: '', multiline: true, help }), 'a').tagName).toBe('TEXTAREA');
    cleanup();
    expect(show(text({ initial: '', help }), 'a').tagName).toBe('INPUT');
  });
});

describe('a model', () => {
  const param = model({ initial: 'a/b', help } as never);

  it('offers what is on this machine once its field has the focus', async () => {
    const shell = fakeShell({ listModels: () => [{ name: 'a/b' }, { name: 'c/d' }] });
    const field = show(param, 'a/b', shell);
    fireEvent.focus(field);
    await expect
      .poll(() => [...document.querySelectorAll('datalist option')].map((option) => option.getAttribute('value')))
      .toEqual(['a/b', 'c/d']);
  });

  it('tells why the models cannot be listed or chosen', async () => {
    const fail = () => {
      throw new UserError('UNREADABLE', 'The folder cannot be read.');
    };
    for (const press of [
      () => fireEvent.focus(screen.getByLabelText('it')),
      () => fireEvent.click(screen.getByRole('button')),
    ]) {
      const editor = openEditor(graph({}), fakeShell({ ...withDialogs, listModels: fail, chooseFile: fail }));
      renderInEditor(editor, <Controlled param={param} initial="a/b" />);
      press();
      await expect
        .poll(() => editor.view.getState().notices.map(({ text }) => text))
        .toEqual(['The folder cannot be read.']);
      cleanup();
    }
  });

  it('is chosen in a dialog where the shell has one', async () => {
    show(param, 'a/b');
    expect(screen.queryByRole('button')).toBeNull();
    cleanup();
    show(param, 'a/b', fakeShell({ ...withDialogs, chooseFile: () => '/models/x' }));
    fireEvent.click(screen.getByRole('button'));
    await expect.poll(() => given).toEqual(['/models/x']);
  });
});
