import { defineNode, one, output } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { randomStream } from '../ml/random.ts';
import { integer, seed, text } from '../params.ts';

/** Phrases about the quality of an image, not its content. */
const phrases = [
  'highly detailed',
  'sharp focus',
  'soft natural light',
  'vivid colours',
  'balanced composition',
  'clean background',
  'high contrast',
  'professional photograph',
];

export const expandPrompt = defineNode({
  type: 'input/expand-prompt',
  version: 1,
  title: 'Expand prompt',
  summary:
    'Adds phrases on quality from a list that you see and can change: a plain stand-in for a language model that rewrites prompts.',
  source: 'Parrot, arXiv 2401.05675, in place of its prompt expansion network',
  inputs: { prompt: one('text') },
  params: {
    phrases: text({
      initial: phrases.join('\n'),
      multiline: true,
      help: 'The phrases to choose from, one a line; use words that the model knows.',
    }),
    count: integer({ initial: 3, min: 0, max: 100, help: 'How many are added; 0 adds all, in their order.' }),
    seed: seed({ initial: 0, help: 'Which are chosen, and in what order.' }),
  },
  outputs: { prompt: output('text', { help: 'The prompt, then the phrases, with commas.' }) },
  run({ prompt }, params) {
    const given = params.phrases
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (given.length === 0) {
      throw new UserError('NO_PHRASES', 'There are no phrases to add. Write at least one, one a line.', {
        at: { param: 'phrases' },
      });
    }
    const chosen = params.count === 0 ? given : randomStream(params.seed).shuffle(given).slice(0, params.count);
    return { prompt: [prompt.trim(), ...chosen].filter((part) => part !== '').join(', ') };
  },
});
