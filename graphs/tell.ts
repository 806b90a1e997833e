import type { Artifact } from '../nodes/defineNode.ts';
import type { Scores } from '../nodes/ports.ts';
import type { StepResult } from './cache.ts';
import type { RunEvent } from './events.ts';
import type { Step } from './plan.ts';

type Emit = (event: RunEvent) => void;

/** Tells a file that an output node gave. */
export function tellArtifact(emit: Emit, run: string, node: string, artifact: Artifact): void {
  emit({ type: artifact.mime.startsWith('image/') ? 'image' : 'file', run, node, ...artifact });
}

/** Tells every scores value among a step's outputs. */
export function tellScores(emit: Emit, run: string, { id, definition }: Step, { outputs }: StepResult): void {
  for (const output in definition.outputs) {
    if (definition.outputs[output]!.type !== 'scores') continue;
    const values = [outputs[output]].flat() as Scores[];
    for (const scores of values) emit({ type: 'scores', run, node: id, output, scores });
  }
}

/** Tells that a step did not need to run, and again what it gave when it ran. */
export function tellCached(emit: Emit, run: string, step: Step, result: StepResult | undefined): void {
  emit({ type: 'node-cached', run, node: step.id });
  if (!result) return;
  for (const artifact of result.artifacts) tellArtifact(emit, run, step.id, artifact);
  tellScores(emit, run, step, result);
}
