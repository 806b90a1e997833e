import type { NodeContext } from '../../defineNode.ts';
import { quotePart } from '../../generate/shared/remarkOnPrompt.ts';
import type { Reward } from '../../ports.ts';

/** Remarks on the end of prompts that rewards do not read, which then says nothing in their scores. */
export function remarkOnRewards(
  rewards: readonly Reward[],
  prompts: readonly string[],
  remark: NodeContext['remark'],
): void {
  for (const { name, unreadPart } of rewards)
    for (const prompt of new Set(prompts)) {
      const unread = unreadPart?.(prompt) ?? '';
      if (unread !== '')
        remark(
          `The prompt is longer than "${name}" reads; its score knows nothing of this end of it: "${quotePart(unread)}".`,
        );
    }
}
