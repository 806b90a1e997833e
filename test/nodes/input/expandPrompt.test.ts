import { describe, expect, it } from 'vitest';
import { expandPrompt } from '../../../nodes/input/expandPrompt.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const { context } = nodeContext();
const run = async (prompt: string, phrases: string, count: number, seed = 0) =>
  (await expandPrompt.run({ prompt }, { phrases, count, seed }, context)).prompt;

describe('expand prompt', () => {
  it('adds phrases of the list after the prompt, each once, chosen by the seed', async () => {
    expect(await run('a red circle ', 'sharp\n\n vivid \nclean', 0)).toBe('a red circle, sharp, vivid, clean');
    const chosen = (await run('a dog', 'a\nb\nc\nd\ne', 3, 4)).split(', ');
    expect(chosen[0]).toBe('a dog');
    expect(new Set(chosen.slice(1)).size).toBe(3);
    expect(chosen.slice(1).every((phrase) => 'abcde'.includes(phrase))).toBe(true);
    expect(await run('a dog', 'a\nb\nc\nd\ne', 3, 4)).toBe(chosen.join(', '));
    const orders = await Promise.all([0, 1, 2, 3].map((seed) => run('a dog', 'a\nb\nc\nd\ne', 5, seed)));
    expect(new Set(orders).size).toBeGreaterThan(1);
  });

  it('takes fewer where there are fewer, and refuses an empty list', async () => {
    expect(await run('', 'sharp', 9)).toBe('sharp');
    await expect(async () => run('a dog', ' \n', 1)).rejects.toThrow('There are no phrases to add');
  });
});
