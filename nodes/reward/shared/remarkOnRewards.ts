import type { NodeContext } from '../../defineNode.ts';
import { quotePart } from '../../generate/shared/remarkOnPrompt.ts';
import { labelImage } from '../../ml/diffusion/sampleImages.ts';
import type { RewardSet } from '../../ml/optimise/rowState.ts';
import { wordsOf } from '../../ml/text/plainPrompt.ts';
import type { Generator, ImageLabel, Reward, SampleRequest } from '../../ports.ts';

type Remark = NodeContext['remark'];

/** Remarks on what the rewards of an optimiser read of its prompts otherwise than the generator. */
export function remarkOnRewards(
  {
    generator,
    request,
    rewards,
    watched,
  }: RewardSet & { readonly generator: Generator; readonly request: Pick<SampleRequest, 'prompts' | 'settings'> },
  remark: Remark,
): void {
  const labels = request.prompts.map((_, i) => labelImage(generator, request, 0, i));
  remarkOnWords(labels, remark);
  remarkOnLength(
    [...rewards, ...watched],
    labels.map((label) => wordsOf(label)),
    remark,
  );
}

/** Remarks on prompts of which rewards read the words alone. */
export function remarkOnWords(labels: readonly ImageLabel[], remark: Remark): void {
  const read = labels.flatMap(({ words }) => (words === undefined ? [] : [words]));
  for (const words of new Set(read))
    remark(`Rewards read the words of the prompt without its weights and other signs: "${quotePart(words)}".`);
}

/** Remarks on the end of prompts that rewards do not read, which then says nothing in their scores. */
export function remarkOnLength(rewards: readonly Reward[], prompts: readonly string[], remark: Remark): void {
  for (const { name, unreadPart } of rewards)
    for (const prompt of new Set(prompts)) {
      const unread = unreadPart?.(prompt) ?? '';
      if (unread !== '')
        remark(
          `The prompt is longer than "${name}" reads; its score knows nothing of this end of it: "${quotePart(unread)}".`,
        );
    }
}
