import type { NodeContext } from '../../defineNode.ts';
import type { LoadOptions } from '../../ml/models/load/loadParts.ts';

/** What loading a model takes from a node's context: cancelling, the memory that is free, and progress. */
export function loadOptions({ signal, device, progress }: NodeContext): LoadOptions {
  const { freeBytes } = device.memory;
  return { signal, progress, ...(freeBytes && { freeBytes }) };
}
