import type { Artifact, NodeContext } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { memoryFiles } from './memoryFiles.ts';

/** A context for running one node by hand: it records what the node saves and says. */
export function nodeContext(
  options: {
    files?: Files;
    signal?: AbortSignal;
    freeBytes?: () => number;
    onProgress?: (fraction: number) => void;
  } = {},
) {
  const signal = options.signal ?? new AbortController().signal;
  const saved: Artifact[] = [];
  const remarks: string[] = [];
  const progress: { fraction: number; text: string | undefined; preview: boolean; figures?: object }[] = [];
  const context: NodeContext = {
    signal,
    device: {
      name: 'cpu',
      description: 'of a test',
      memory: options.freeBytes ? { freeBytes: options.freeBytes } : {},
    },
    files: options.files ?? memoryFiles({}),
    async progress(fraction, text, preview, figures) {
      progress.push({ fraction, text, preview: preview !== undefined, ...(figures && { figures }) });
      options.onProgress?.(fraction);
      signal.throwIfAborted();
    },
    save: (artifact) => saved.push(artifact),
    remark: (sentence) => remarks.push(sentence),
  };
  return { context, saved, progress, remarks };
}
