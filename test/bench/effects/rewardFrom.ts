import type { NodeContext } from '../../../nodes/defineNode.ts';
import { library } from '../../../nodes/index.ts';
import { parseParam } from '../../../nodes/params.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { paramsOf } from './paramsOf.ts';

/** The reward of a node without inputs: its type, and params to change, as `reward/clip-score:model=builtin:world-clip`. */
export async function rewardFrom(text: string, context: NodeContext): Promise<Reward> {
  const [, type, settings] = /^([^:]+):?(.*)$/.exec(text) ?? [];
  const node = library.get(type ?? '');
  if (!node?.outputs.reward || Object.keys(node.inputs).length > 0)
    throw new Error(`"${type}" is no node that gives a reward from params alone.`);
  const pairs = (settings ? settings.split(',') : []).map((pair): [string, string] => {
    const [name, ...value] = pair.split('=');
    return [name!, value.join('=')];
  });
  const unknown = pairs.find(([name]) => !node.params[name]);
  if (unknown) throw new Error(`"${type}" has no param "${unknown[0]}".`);
  const changed = Object.fromEntries(pairs.map(([name, value]) => [name, parseParam(node.params[name]!, value)]));
  return ((await node.run({}, paramsOf(node, changed), context)) as { reward: Reward }).reward;
}
