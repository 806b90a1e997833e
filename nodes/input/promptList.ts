import { defineNode, list } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { text } from '../params.ts';

export const promptList = defineNode({
  type: 'input/prompt-list',
  version: 1,
  title: 'Prompt list',
  summary: 'Several prompts, one a line; the nodes behind it run once for each.',
  inputs: {},
  params: { prompts: text({ initial: '', multiline: true, help: 'One prompt a line; empty lines do not count.' }) },
  outputs: { prompts: list('text') },
  run(_inputs, params) {
    const prompts = params.prompts
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (prompts.length === 0) {
      throw new UserError('NO_PROMPTS', 'The prompt list is empty. Write at least one prompt, one a line.', {
        at: { param: 'prompts' },
      });
    }
    return { prompts };
  },
});
