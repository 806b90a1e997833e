import { defineNode, many, output } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { type Joining, joinings, jointOf, readJoined, writeJoined } from '../ml/text/joinedPrompt.ts';
import { choice, number } from '../params.ts';

export const joinPrompts = defineNode({
  type: 'input/join-prompts',
  version: 1,
  title: 'Join prompts',
  summary:
    "Several prompts as one, as ComfyUI's Conditioning (Combine), (Concat) and (Average) join them; for generators whose prompt style is comfy or a1111.",
  source: 'arXiv 2206.01714 (combine); ComfyUI, nodes.py',
  inputs: { prompts: many('text', { min: 2, help: 'In the order of their wires.' }) },
  params: {
    how: choice({
      initial: 'combine',
      options: joinings,
      help: 'Combine: the mean of what the model predicts for each. Concat: their tokens side by side. Average: the mean of the features of two.',
    }),
    weight: number({
      initial: 0.5,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'In an average, the weight of the first prompt; the second has the rest.',
    }),
  },
  outputs: { prompt: output('text', { help: 'The prompts, with a line between them that says how they are joined.' }) },
  run({ prompts }, { how, weight }) {
    if (how === 'combine') return { prompt: prompts.join(jointOf(how, weight)) };
    if (how === 'average' && prompts.length !== 2)
      throw new UserError('BAD_REQUEST', `An average is of two prompts, and there are ${prompts.length}.`, {
        at: { port: 'prompts' },
      });
    const [first, ...others] = prompts as readonly [string, ...string[]];
    for (const other of others) refuseGroups(other, how);
    // Each of the prompts that the first combines is joined with the others, as in ComfyUI.
    const entries = readJoined(first).map((entry) => [writeJoined(entry), ...others].join(jointOf(how, weight)));
    return { prompt: entries.join(jointOf('combine', weight)) };
  },
});

/** Joined prompts are read from left to right, so only the first may be joined in another way. Throws UserError `BAD_REQUEST`. */
function refuseGroups(prompt: string, how: Joining): void {
  const [entry, ...more] = readJoined(prompt);
  const inner =
    more.length > 0 ? 'combine' : entry!.terms.find((term) => how === 'average' || term.how !== 'concat')?.how;
  if (inner === undefined) return;
  throw new UserError(
    'BAD_REQUEST',
    `A prompt after the first is joined by ${inner} itself, which ${how} does not take: let it come first.`,
    { at: { port: 'prompts' } },
  );
}
