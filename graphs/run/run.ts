import type { Artifact, NodeDevice } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import type { PortType } from '../../nodes/ports.ts';
import { placeError } from '../document/problems.ts';
import { checkDriven, gatherCalls, type StepCalls } from './arguments.ts';
import type { StepResult, ValueCache } from './cache.ts';
import { addFingerprints, cacheKeys, listLocations, readsLate, stepKey } from './cacheKeys.ts';
import { emitCached, emitCopies, hasRecords } from './emit.ts';
import type { RunEvent } from './events.ts';
import { noteSaved, saveFinished } from './finished.ts';
import { nameBreak, noteOrigins, type Origins } from './nameBreak.ts';
import { createPause, throwIfCancelled, type WhilePaused } from './pause.ts';
import { labelStep, type Plan, type Step } from './plan.ts';
import { runStep } from './runStep.ts';

/** Makes small copies of the first images among values of a type, or copies as large as they are, and counts all. */
export type CopyImages = (
  type: PortType,
  values: readonly unknown[],
  isWhole?: boolean,
) => Promise<{ readonly copies: readonly Artifact[]; readonly count: number }>;

/** What a run needs from its caller. */
export interface RunWorld {
  readonly run: string;
  readonly device: NodeDevice;
  readonly files: Files;
  readonly cache: ValueCache;
  readonly signal: AbortSignal;
  readonly whilePaused?: WhilePaused;
  /** Whether previews are wanted. */
  readonly previews: boolean;
  /** Makes the small copies of images that runs with previews emit. */
  readonly copyImages?: CopyImages;
  emit(event: RunEvent): void;
}

/**
 * Runs a plan step by step and emits the events of its nodes. A step whose result is in the cache does not run, and
 * neither does one that only such steps need. Results are released after their last reader; whatever happens, the run
 * retains nothing when the promise settles. Rejects with a UserError that names the node, or with `CANCELLED`.
 */
export async function runGraph(plan: Plan, given: RunWorld): Promise<void> {
  const { steps, lastUse } = plan;
  const world = noteSaved(given);
  const { cache, signal, files } = world;
  const pause = createPause(world.whilePaused);
  const fingerprints = new Map<string, string>();
  for (const step of steps) {
    if (!step.definition.files || readsLate(step)) continue;
    throwIfCancelled(signal);
    await addFingerprints(fingerprints, step, listLocations(step, [step.params]), files);
  }
  const keys = cacheKeys(plan, fingerprints);
  const { results, needed } = claimCached(plan, keys, cache);
  const origins: Origins = new WeakMap();
  /** The steps that ran in this run. */
  const fresh = new Set<number>();
  const drivenBy = findDriven(steps);

  const obtain = async (step: Step, number: number): Promise<StepResult> => {
    let stepCalls: StepCalls | undefined;
    if (keys[number] === undefined) {
      stepCalls = gatherCalls(step, results);
      const locations = listLocations(
        step,
        stepCalls.calls.map(({ params }) => params),
      );
      await addFingerprints(fingerprints, step, locations, files);
      keys[number] = stepKey(step, keys, locations, fingerprints);
    }
    const key = keys[number]!;
    const cached = cache.get(key); // known only now, or given by a step that does the same
    if (cached) {
      cache.retain(cached.resources);
      emitCached(world.emit, world.run, step, cached);
      if (world.previews) emitCopies(world.emit, world.run, step, cached);
      return cached;
    }
    stepCalls ??= gatherCalls(step, results);
    try {
      const result = await runStep(step, stepCalls, world, pause);
      fresh.add(number);
      cache.put(key, result);
      return result;
    } catch (error) {
      throw nameBreak(error, stepCalls.calls, origins);
    }
  };
  const letGo = (number: number) => {
    const result = results[number];
    results[number] = undefined;
    if (result) cache.release(result.resources);
  };

  try {
    for (let number = 0; number < steps.length; number++) {
      throwIfCancelled(signal);
      const step = steps[number]!;
      if (needed[number] && !results[number]) {
        try {
          results[number] = await obtain(step, number);
        } catch (error) {
          throwIfCancelled(signal);
          throw placeError(error, step.id, labelStep(step));
        }
      } else {
        const known = cache.get(keys[number]!); // now the most recently used
        emitCached(world.emit, world.run, step, results[number]);
        if (known && world.previews) emitCopies(world.emit, world.run, step, known);
      }
      const result = results[number];
      if (result) {
        noteOrigins(origins, result, labelStep(step));
        for (const driven of drivenBy.get(number) ?? []) refuseDriven(driven, result);
      }
      for (const { sources } of step.inputs) {
        for (const source of sources) if (lastUse[source.step] === number) letGo(source.step);
      }
      if (lastUse[number] === number) letGo(number);
      const pausing = pause();
      if (pausing) await pausing;
    }
  } catch (error) {
    if (signal.aborted)
      for (const number of fresh) {
        const result = results[number]; // held, so its readers have not all run
        if (result) await saveFinished(world, steps[number]!, [result.outputs]);
      }
    throw error;
  } finally {
    for (let number = 0; number < steps.length; number++) letGo(number);
  }
}

/** A param that an output of an earlier step drives. */
interface DrivenParam {
  readonly step: Step;
  readonly name: string;
  readonly output: string;
}

/** By the number of a step: the params that it drives. */
function findDriven(steps: readonly Step[]): ReadonlyMap<number, readonly DrivenParam[]> {
  const driven = new Map<number, DrivenParam[]>();
  for (const step of steps) {
    for (const { name, count, sources } of step.inputs) {
      if (count !== 'param') continue;
      for (const { step: number, output } of sources) {
        const known = driven.get(number);
        if (known) known.push({ step, name, output });
        else driven.set(number, [{ step, name, output }]);
      }
    }
  }
  return driven;
}

/** Refuses at once what a later step would refuse when it runs. Throws the same `BAD_PARAM`, placed there. */
function refuseDriven({ step, name, output }: DrivenParam, result: StepResult): void {
  try {
    checkDriven(step, name, result.outputs[output]);
  } catch (error) {
    throw placeError(error, step.id, labelStep(step));
  }
}

/**
 * Finds, from the last step to the first, which results this run needs (targets, scores and traces for the record of the run, steps
 * without a key yet, and all that needed steps without a cached result read) and holds those that are cached, so that
 * making room for a new result cannot take away one that the run counts on.
 */
function claimCached({ steps }: Plan, keys: readonly (string | undefined)[], cache: ValueCache) {
  const results: (StepResult | undefined)[] = new Array(steps.length).fill(undefined);
  const needed = new Uint8Array(steps.length);
  for (let number = steps.length - 1; number >= 0; number--) {
    const step = steps[number]!;
    const key = keys[number];
    if (step.target || key === undefined || hasRecords(step)) needed[number] = 1;
    if (!needed[number]) continue;
    const cached = key === undefined ? undefined : cache.get(key);
    if (cached) {
      cache.retain(cached.resources);
      results[number] = cached;
      continue;
    }
    for (const { sources } of step.inputs) for (const source of sources) needed[source.step] = 1;
  }
  return { results, needed };
}
