import { defineNode, one, output } from '../defineNode.ts';
import { continueText } from '../ml/models/continueText.ts';
import { loadGpt2 } from '../ml/models/load/loadGpt2.ts';
import { loadOptions } from '../model/shared/loadOptions.ts';
import { integer, model, number, seed } from '../params.ts';

export const expandPromptWithModel = defineNode({
  type: 'input/expand-prompt-with-model',
  version: 1,
  title: 'Expand prompt (text model)',
  summary:
    'Lets a GPT-2 that was trained on prompts go on writing yours. For a list of phrases that you see and choose, take Expand prompt.',
  source: 'Parrot, arXiv 2401.05675, with a GPT-2 as its prompt expansion network; Radford et al. 2019',
  inputs: { prompt: one('text') },
  params: {
    model: model({
      takes: 'language',
      initial: 'Gustavosta/MagicPrompt-Stable-Diffusion',
      help: 'A GPT-2: a folder of transformers, or the name of a pulled model. None is built in; get one with: noiseloom models pull Gustavosta/MagicPrompt-Stable-Diffusion.',
    }),
    tokens: integer({
      initial: 40,
      min: 1,
      max: 1000,
      help: 'How many are written at most; a word is one to three. It may end sooner.',
    }),
    temperature: number({
      initial: 1,
      min: 0,
      max: 5,
      step: 0.1,
      help: 'Above 1 more surprising words, below 1 more usual ones; 0 the likeliest always, whatever the seed.',
    }),
    topK: integer({ initial: 50, min: 0, max: 100000, help: 'Chooses among so many of the likeliest tokens; 0: all.' }),
    topP: number({
      initial: 1,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Chooses among the likeliest tokens that together are this probable; 1: all.',
    }),
    seed: seed({ initial: 0, help: 'Another seed, another text.' }),
  },
  outputs: { prompt: output('text', { help: 'The prompt, and what the model wrote behind it.' }) },
  files: (params) => [params.model],
  async run({ prompt }, { model, ...settings }, context) {
    const start = prompt.trim();
    const gpt2 = await loadGpt2(context.files, model, loadOptions(context));
    try {
      const progress = (written: number) =>
        context.progress(written / settings.tokens, `token ${written} of ${settings.tokens} at most`);
      const added = await continueText(gpt2, start, { ...settings, progress });
      if (added === '') context.remark(`"${gpt2.name}" added nothing to the prompt. Try another seed, or more tokens.`);
      return { prompt: (start + added).trim() };
    } finally {
      gpt2.dispose();
    }
  },
});
