// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Choice } from '../../../renderer/controls/ChoiceList.tsx';
import { SearchList } from '../../../renderer/controls/SearchList.tsx';

const choices: Choice[] = [
  { key: 'noise', label: 'Noise', group: 'Input' },
  { key: 'text', label: 'Text', detail: 'Words for a prompt.', group: 'Input' },
  { key: 'score', label: 'Score', group: 'Rewards', disabled: true },
  { key: 'sample', label: 'Sample', group: 'Generate' },
];
let chosen: string[];
let field: HTMLElement;
const labels = () =>
  screen.queryAllByRole('option').map((option) => option.querySelector('span')?.firstChild?.textContent);
const active = () => screen.getByRole('option', { selected: true }).querySelector('span')?.firstChild?.textContent;
const type = (value: string) => fireEvent.change(field, { target: { value } });
const press = (key: string) => fireEvent.keyDown(field, { key });

beforeEach(() => {
  chosen = [];
  render(<SearchList label="Search" choices={choices} onChoose={(key) => chosen.push(key)} />);
  field = screen.getByRole('combobox');
});
afterEach(cleanup);

it('shows all by groups, each named once', () => {
  expect(labels()).toEqual(['Noise', 'Text', 'Score', 'Sample']);
  expect([...document.querySelectorAll('.search-group')].map(({ textContent }) => textContent)).toEqual([
    'Input',
    'Rewards',
    'Generate',
  ]);
});

it('shows what fits the words, also those beside, without groups; and says where nothing does', () => {
  type('prompt');
  expect(labels()).toEqual(['Text']);
  expect(document.querySelector('.search-group')).toBeNull();
  type('zzz');
  expect(labels()).toEqual([]);
  expect(document.querySelector('.empty')).not.toBeNull();
  press('Enter');
  expect(chosen).toEqual([]);
});

it('goes around by arrows, and to an end by pages', () => {
  expect(active()).toBe('Noise');
  press('ArrowUp');
  expect(active()).toBe('Sample');
  press('ArrowDown');
  expect(active()).toBe('Noise');
  press('PageDown');
  expect(active()).toBe('Sample');
  press('PageUp');
  expect(active()).toBe('Noise');
});

it('chooses the active one by Enter and any by a click, and none that is disabled', () => {
  press('ArrowDown');
  press('Enter');
  fireEvent.click(screen.getByRole('option', { name: /Sample/ }));
  fireEvent.click(screen.getByRole('option', { name: /Score/ }));
  press('ArrowDown');
  press('Enter');
  expect(active()).toBe('Score');
  expect(chosen).toEqual(['text', 'sample']);
});

it('begins at the best one for each search', () => {
  press('ArrowDown');
  type('s');
  expect(active()).toBe(labels()[0]);
});
