import { describe, expect, it } from 'vitest';
import { addMark, changeMark, removeMarks } from '../../../graphs/edit/marks.ts';
import { graph } from '../example.ts';

const note = (text: string) => ({ text, position: [0, 0], size: [80, 40] }) as const;

describe('notes and frames', () => {
  it('are added, changed and removed by their place', () => {
    let document = addMark(addMark(addMark(graph({}), 'notes', note('a')), 'notes', note('b')), 'notes', note('c'));
    document = changeMark(document, 'notes', 1, { text: 'B' });
    expect(document.notes?.map(({ text }) => text)).toEqual(['a', 'B', 'c']);
    document = removeMarks(document, 'notes', [0, 2]);
    expect(document.notes).toEqual([note('B')]);
    expect(removeMarks(document, 'notes', [0])).not.toHaveProperty('notes');
  });

  it('leave the document where there is nothing to change', () => {
    const document = graph({});
    expect(changeMark(document, 'frames', 0, { title: 'x' })).toBe(document);
    expect(removeMarks(document, 'frames', [0])).toBe(document);
  });
});
