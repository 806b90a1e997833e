import type { Artifact } from '../../nodes/defineNode.ts';
import type { Scores, Trace } from '../../nodes/ports.ts';
import type { StepResult } from './cache.ts';
import type { RunEvent } from './events.ts';
import type { Step } from './plan.ts';

type Emit = (event: RunEvent) => void;

/** Emits a file that an output node saved. */
export function emitArtifact(emit: Emit, run: string, node: string, artifact: Artifact): void {
  emit({ type: artifact.mime.startsWith('image/') ? 'image' : 'file', run, node, ...artifact });
}

/** Whether a step has outputs that go into the record of a run: scores or traces. */
export function hasRecords({ definition }: Step): boolean {
  for (const name in definition.outputs) {
    const { type } = definition.outputs[name]!;
    if (type === 'scores' || type === 'trace') return true;
  }
  return false;
}

/** Emits every scores value and every trace among a step's outputs. */
export function emitRecords(emit: Emit, run: string, { id, definition }: Step, { outputs }: StepResult): void {
  for (const output in definition.outputs) {
    const { type } = definition.outputs[output]!;
    if (type !== 'scores' && type !== 'trace') continue;
    for (const value of [outputs[output]].flat()) {
      if (type === 'scores') emit({ type, run, node: id, output, scores: value as Scores });
      else emit({ type, run, node: id, output, trace: value as Trace });
    }
  }
}

/** Emits the small copies of a step's images. */
export function emitCopies(emit: Emit, run: string, { id }: Step, { copies }: StepResult): void {
  for (const copy of copies) emit({ type: 'copy', run, node: id, ...copy });
}

/** Emits that a step did not need to run, and again what it emitted when it ran. */
export function emitCached(emit: Emit, run: string, step: Step, result: StepResult | undefined): void {
  emit({ type: 'node-cached', run, node: step.id });
  if (!result) return;
  for (const artifact of result.artifacts) emitArtifact(emit, run, step.id, artifact);
  for (const text of result.remarks) emit({ type: 'remark', run, node: step.id, text });
  emitRecords(emit, run, step, result);
}
