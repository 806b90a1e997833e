import type { NodeContext } from '../../defineNode.ts';
import type { LoadOptions } from '../../ml/models/load/loadParts.ts';

/** What loading a model takes from a node's context: the abort signal, the free memory, progress and remarks. */
export function loadOptions({ signal, device, progress, remark }: NodeContext): LoadOptions {
  const { freeBytes } = device.memory;
  return { signal, progress, remark, ...(freeBytes && { freeBytes }) };
}
