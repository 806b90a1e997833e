import { defineNode } from '../defineNode.ts';
import { text as textParam } from '../params.ts';

export const text = defineNode({
  type: 'input/text',
  version: 1,
  title: 'Text',
  summary: 'A piece of text, such as a prompt.',
  inputs: {},
  params: { text: textParam({ initial: '', multiline: true, isPrompt: true, help: 'The text itself.' }) },
  outputs: { text: 'text' },
  run: (_inputs, { text }) => ({ text }),
});
