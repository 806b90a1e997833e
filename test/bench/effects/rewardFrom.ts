import type { NodeContext } from '../../../nodes/defineNode.ts';
import { library } from '../../../nodes/index.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { changedParams, paramsOf } from './paramsOf.ts';

/** The reward of a node without inputs: its type, and params to change, as `reward/clip-score:model=builtin:world-clip`. */
export async function rewardFrom(text: string, context: NodeContext): Promise<Reward> {
  const [, type, settings] = /^([^:]+):?(.*)$/.exec(text) ?? [];
  const node = library.get(type ?? '');
  if (!node?.outputs.reward || Object.keys(node.inputs).length > 0)
    throw new Error(`"${type}" is no node that gives a reward from params alone.`);
  const changed = changedParams(node, settings ?? '');
  return ((await node.run({}, paramsOf(node, changed), context)) as { reward: Reward }).reward;
}
