import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Continuation,
  continueText,
  withoutBrokenEnd,
  writeTokens,
} from '../../../../nodes/ml/models/continueText.ts';
import { type LoadedGpt2, loadGpt2 } from '../../../../nodes/ml/models/load/loadGpt2.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { diskFiles, goldenCase, goldenFolder } from '../../../support/golden.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const greedy: Continuation = { tokens: 20, temperature: 0, topK: 0, topP: 1, seed: 0 };
const lively: Continuation = { tokens: 20, temperature: 1.5, topK: 0, topP: 1, seed: 0 };

async function withModel<T>(use: (model: LoadedGpt2) => Promise<T>): Promise<T> {
  const model = await loadGpt2(diskFiles, goldenFolder('tiny-gpt2'));
  try {
    return await use(model);
  } finally {
    model.dispose();
  }
}

/** How many tokens were written. */
async function counted(model: LoadedGpt2, text: string, options: Continuation): Promise<number> {
  let count = 0;
  const progress = async (written: number) => {
    count = written;
  };
  await continueText(model, text, { ...options, progress });
  return count;
}

describe('continueText', () => {
  it('writes what the reference writes greedily, up to the end token, a line break, the limit or the window', () =>
    withModel(async (model) => {
      const { prompts, continuations, endings } = (await goldenCase('tiny-gpt2')) as Record<string, string[]>;
      expect(new Set(endings)).toEqual(new Set(['end token', 'line break', 'limit', 'window']));
      for (const [i, prompt] of prompts!.entries()) {
        const isCut = ['limit', 'window'].includes(endings![i]!);
        const line = continuations![i]!.split('\n')[0]!;
        expect(await continueText(model, prompt, greedy), prompt).toBe(withoutBrokenEnd(line, isCut));
      }
    }));

  it('writes no more than it may: tokens asked for, and room in the window', () =>
    withModel(async (model) => {
      const limited = ['a', 'a photo of a castle, '];
      for (const text of limited) expect(await counted(model, text, { ...greedy, tokens: 5 })).toBe(5);
      const filling = 'a green cat and a red dog, digital painting, trending, in a garden';
      const room = model.config.n_positions - model.tokenizer.encode(filling).length;
      expect(await counted(model, filling, { ...greedy, tokens: 1000 })).toBe(room);
      await expect(continueText(model, filling + filling, greedy)).rejects.toMatchObject({
        code: 'PROMPT_TOO_LONG',
        message: expect.stringMatching(/^The prompt has \d+ tokens, and "tiny-gpt2" has room for 48 /),
      });
    }));

  it('writes the same for the same seed, something else for another', () =>
    withModel(async (model) => {
      const text = (seed: number) => continueText(model, 'a red dog', { ...lively, seed });
      expect(await text(3)).toBe(await text(3));
      expect(new Set(await Promise.all([1, 2, 3, 4].map(text))).size).toBeGreaterThan(2);
      const narrow = (seed: number) => continueText(model, 'a red dog', { ...lively, topK: 1, seed });
      expect(await narrow(1)).toBe(await continueText(model, 'a red dog', greedy));
      expect(await narrow(2)).toBe(await narrow(1));
    }));

  it('begins with nothing where the model has a token for that', () =>
    withModel(async (model) => {
      expect(await continueText(model, '', { ...lively, seed: 2 })).toMatch(/\S/);
      const config = { ...model.config, bos_token_id: 50256 };
      await expect(continueText({ ...model, config }, '', greedy)).rejects.toMatchObject({ code: 'NO_START' });
      expect(await continueText({ ...model, config }, 'a', greedy)).toBe(await continueText(model, 'a', greedy));
    }));

  it('leaves nothing behind when progress rejects, or the logits are no numbers', () =>
    withModel(async (model) => {
      const progress = async (written: number) => {
        if (written === 3) throw new Error('enough');
      };
      await expect(continueText(model, 'a', { ...greedy, progress })).rejects.toThrow('enough');
      const ids = writeTokens(model, [5], () => {
        throw new Error('no choice');
      });
      await expect(ids.next()).rejects.toThrow('no choice');
    }));
});

describe('withoutBrokenEnd', () => {
  it.each([
    [', sharp focus, 8k', false, ', sharp focus, 8k'],
    [', sharp focus,  - (', false, ', sharp focus'],
    [' and a cat.', false, ' and a cat.'],
    [', sharp foc', true, ', sharp'],
    [', sharp focus, highly det', true, ', sharp focus'],
    [' in the gard', true, ' in the'],
    ['x', true, ''],
    [', ', false, ''],
    [' caf\ufffd', false, ' caf'],
    ['', true, ''],
  ])('%j, cut %j: %j', (text, isCut, expected) => expect(withoutBrokenEnd(text, isCut)).toBe(expected));
});
