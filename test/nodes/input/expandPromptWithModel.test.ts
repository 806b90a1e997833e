import { beforeAll, describe, expect, it } from 'vitest';
import { expandPromptWithModel } from '../../../nodes/input/expandPromptWithModel.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

const model = goldenFolder('tiny-gpt2');
const usual = { model, tokens: 20, temperature: 1.2, topK: 0, topP: 0.95, seed: 1 };

describe('expand prompt with model', () => {
  it('gives the prompt and what the model writes behind it, by the seed, and tells how far it is', async () => {
    const { context, progress, remarks } = nodeContext({ files: diskFiles });
    const run = async (prompt: string, settings: Partial<typeof usual> = {}) =>
      (await expandPromptWithModel.run({ prompt }, { ...usual, ...settings }, context)).prompt;
    const expanded = await run(' a red dog \n');
    expect(expanded).toMatch(/^a red dog.*\S$/);
    expect(expanded.length).toBeGreaterThan('a red dog'.length);
    expect(await run('a red dog')).toBe(expanded);
    expect(await run('a red dog', { seed: 2 })).not.toBe(expanded);
    expect(progress.some(({ text }) => text?.startsWith('loading the GPT-2'))).toBe(true);
    expect(progress.some(({ fraction, text }) => fraction === 2 / 20 && text === 'token 2 of 20 at most')).toBe(true);
    expect(remarks).toEqual([]);
  });

  it('says when the model adds nothing, and leaves the prompt as it is', async () => {
    const { context, remarks } = nodeContext({ files: diskFiles });
    const prompt = 'an astronaut riding a horse, oil painting'; // its likeliest next token is a line break
    const { prompt: same } = await expandPromptWithModel.run({ prompt }, { ...usual, temperature: 0 }, context);
    expect(same).toBe(prompt);
    expect(remarks).toEqual(['"tiny-gpt2" added nothing to the prompt. Try another seed, or more tokens.']);
  });

  it('stops between tokens when the run is cancelled', async () => {
    const cancelling = new AbortController();
    let steps = 0;
    const { context } = nodeContext({
      files: diskFiles,
      signal: cancelling.signal,
      onProgress: () => {
        if (++steps === 4) cancelling.abort();
      },
    });
    const greedy = { ...usual, temperature: 0 };
    await expect(expandPromptWithModel.run({ prompt: 'a' }, greedy, context)).rejects.toThrow('aborted');
    expect(steps).toBe(4);
  });

  it('says where it looked for a model that is not there, and how to get one', async () => {
    const { context } = nodeContext({ files: diskFiles });
    const initial = expandPromptWithModel.params.model.initial;
    await expect(
      expandPromptWithModel.run({ prompt: 'a' }, { ...usual, model: initial }, context),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`noiseloom models pull ${initial}`),
    });
    expect(expandPromptWithModel.files?.(usual)).toEqual([model]);
  });
});
