import { describe, expect, it } from 'vitest';
import { loadClipTokenizer } from '../../../../nodes/ml/text/clipTokenizer.ts';
import { unreadPart } from '../../../../nodes/ml/text/unreadPart.ts';
import { diskFiles, goldenFolder } from '../../../support/golden.ts';

describe('what of a text is not read', async () => {
  const clip = await loadClipTokenizer(diskFiles, `${goldenFolder('tiny-sd15')}/tokenizer`);
  const counted = (text: string) => {
    const [start, ...ids] = clip.encode(text, 5000);
    expect(start).toBeDefined();
    return ids.indexOf(clip.encode('', 2)[1]!);
  };
  const words = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `cat${(i + from) % 10}`).join(' ');

  it('is nothing up to the last token that fits', () => {
    for (const text of ['', 'a cat', words(3)]) expect(unreadPart(text, clip, counted(text) + 2)).toBe('');
  });

  it('is the rest after it, to the letter', () => {
    for (const text of [
      'a red dog and a cat, a blue star',
      'one two three four five six',
      'un café, deux cafés; trois',
      'a cat,a dog,a star,a ring',
      words(40),
    ])
      for (let length = 3; length < counted(text) + 2; length++) {
        const unread = unreadPart(text, clip, length);
        expect(unread, `${text} ${length}`).not.toBe('');
        expect(text.endsWith(unread), `${text} ${length}: ${unread}`).toBe(true);
        const read = text.slice(0, text.length - unread.length);
        expect(counted(read)).toBeLessThanOrEqual(length - 2);
        const next = /^\s*([\p{L}\p{M}\p{N}]+|.)/u.exec(unread)![0]; // with its next word, it is too long
        expect(counted(read + next), `${text} ${length}: ${unread}`).toBeGreaterThan(length - 2);
      }
  });

  it('begins inside a text without spaces, and inside a word that nobody would read', () => {
    const text = '红色的狗和蓝色的猫'.repeat(100);
    const unread = unreadPart(text, clip, 77);
    expect(unread.length).toBeGreaterThan(20);
    expect(unread.length).toBeLessThan(text.length);
    expect(text.endsWith(unread)).toBe(true);
    const word = 'x'.repeat(3000);
    expect(unreadPart(word, clip, 77).length).toBeGreaterThan(1000);
  });
});
