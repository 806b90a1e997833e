import type { RunSummary } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';
import { isImage } from '../state/run.ts';

export function listImages({ outputs }: Pick<RunSummary, 'outputs'>): RunSummary['outputs'] {
  return outputs.filter(isImage);
}

export function captionImage(output: RunSummary['outputs'][number] | undefined): string {
  if (!output) return '';
  const { name, label } = output;
  const seed = label?.seed === undefined ? '' : `${messages.results.seed} ${label.seed} · `; // first: prompts are cut off
  return label?.prompt ? `${seed}${label.prompt}` : name;
}
