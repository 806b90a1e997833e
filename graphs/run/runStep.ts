import type { Artifact, NodeContext, NodeDefinition } from '../../nodes/defineNode.ts';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import type { Preview } from '../../nodes/ports.ts';
import { freezeValue, partsOf, type Resource, refuseNonFinite } from '../../nodes/values.ts';
import { type Call, findEqualCalls, refuseLong, type StepCalls } from './arguments.ts';
import type { OutputCopy, StepResult } from './cache.ts';
import { emitArtifact, emitCopies, emitRecords } from './emit.ts';
import { type SavingWorld, saveFinished } from './finished.ts';
import { throwIfCancelled } from './pause.ts';
import type { Step } from './plan.ts';
import type { RunWorld } from './run.ts';

type Values = Readonly<Record<string, unknown>>;
const none: readonly never[] = [];

/**
 * Runs one step, call by call, and returns its result, whose resources the run then retains. Calls with the same arguments
 * share one result. When a call fails, the results of the calls before it are disposed of.
 */
export async function runStep(
  step: Step,
  { calls, mapped }: StepCalls,
  world: SavingWorld,
  pause: () => Promise<void> | undefined,
): Promise<StepResult> {
  const { definition, id } = step;
  const { cache, signal, emit, run } = world;
  const started = performance.now();
  emit({ type: 'node-started', run, node: id });
  const resources: Resource[] = [];
  const artifacts: Artifact[] = [];
  const remarks: string[] = [];
  const given: Values[] = [];
  const equals = mapped && Object.keys(definition.outputs).length > 0 ? findEqualCalls(calls) : none;
  let copies: readonly OutputCopy[] = none;
  try {
    for (let element = 0; element < calls.length; element++) {
      const pausing = element > 0 ? pause() : undefined;
      if (pausing) await pausing;
      throwIfCancelled(signal);
      const call = calls[element]!;
      const equal = equals[element] ?? element;
      const context = createContext(step, world, pause, { artifacts, remarks }, element, calls.length);
      const pending = equal < element ? given[equal] : definition.run(call.inputs, call.params, context);
      const outputs = ((pending instanceof Promise ? await pending : pending) ?? {}) as Values;
      const held = collectResources(definition, outputs, call);
      cache.retain(held);
      for (const resource of held) resources.push(resource);
      given.push(outputs);
      for (const name in definition.outputs) {
        if (definition.outputs[name]!.list) refuseLong(countElements(given, name), name);
        const checking = equal < element ? undefined : settle(definition, name, outputs[name]);
        if (checking) await checking;
      }
    }
    if (world.previews && resources.length > 0) copies = await copyOutputs(definition, given, world);
  } catch (error) {
    if (signal.aborted && given.length > 0) await saveFinished(world, step, given);
    cache.release(resources);
    throw error;
  }
  const result: StepResult = {
    outputs: mapped ? joinLists(definition, given) : Object.freeze(given[0]!),
    artifacts: artifacts.length > 0 ? artifacts : none,
    remarks: remarks.length > 0 ? remarks : none,
    copies,
    resources: resources.length > 0 ? resources : none,
  };
  emit({ type: 'node-finished', run, node: id, ms: performance.now() - started });
  emitRecords(emit, run, step, result);
  emitCopies(emit, run, step, result);
  return result;
}

function createContext(
  { id, definition }: Step,
  { device, files, signal, emit, run, previews }: RunWorld,
  pause: () => Promise<void> | undefined,
  { artifacts, remarks }: { artifacts: Artifact[]; remarks: string[] },
  element: number,
  count: number,
): NodeContext {
  let nextPreview = previews ? 0 : Number.POSITIVE_INFINITY;
  const breathe = async (preview?: () => Promise<Preview>) => {
    throwIfCancelled(signal);
    const started = performance.now();
    if (preview && started >= nextPreview) {
      emit({ type: 'preview', run, node: id, preview: await preview() });
      const ended = performance.now();
      nextPreview = ended + 9 * (ended - started); // previews take a tenth of the time at most
    }
    await pause();
    throwIfCancelled(signal);
  };
  return {
    signal,
    device,
    files,
    progress(fraction, text, preview, figures) {
      const overall = (element + Math.min(1, Math.max(0, fraction))) / count;
      const details = { ...(text === undefined ? {} : { text }), ...(figures && { figures }) };
      emit({ type: 'node-progress', run, node: id, fraction: overall, ...details });
      const breathing = breathe(preview);
      breathing.catch(() => undefined); // a node that does not await it is cancelled at the next place that does
      return breathing;
    },
    save(artifact) {
      if (Object.keys(definition.outputs).length > 0 && !signal.aborted)
        throw new Error('only a node without outputs can save files');
      if (!isPlainName(artifact.name)) {
        throw new UserError('BAD_NAME', `"${artifact.name}" cannot be the name of a file: use a plain relative name.`);
      }
      const saved = { ...artifact, name: unusedName(artifact.name, artifacts) };
      artifacts.push(saved);
      emitArtifact(emit, run, id, saved);
    },
    remark(text) {
      if (remarks.includes(text)) return;
      remarks.push(text);
      emit({ type: 'remark', run, node: id, text });
    },
  };
}

/** The name itself, or with the first free number before its ending: `image-2.png`. */
function unusedName(name: string, artifacts: readonly Artifact[]): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  let unused = name;
  for (let n = 2; artifacts.some((artifact) => artifact.name === unused); n++) unused = `${stem}-${n}${ending}`;
  return unused;
}

/**
 * All that must live as long as a call's outputs: their tensors and models, and, where an output is a model, the models
 * it was given, because it may use them.
 */
function collectResources({ type, inputs, outputs: ports }: NodeDefinition, outputs: Values, call: Call): Resource[] {
  const resources: Resource[] = [];
  let givesFunction = false;
  for (const name in ports) {
    const port = ports[name]!;
    const value = outputs[name];
    if (value === undefined || Array.isArray(value) !== port.list) {
      throw new Error(`${type} gave no ${port.list ? 'list of ' : ''}${port.type} at its output "${name}"`);
    }
    for (const item of port.list ? (value as unknown[]) : [value]) {
      const { tensors, functions } = partsOf(port.type, item);
      if (functions.length > 0) givesFunction = true;
      resources.push(...tensors, ...functions);
    }
  }
  if (!givesFunction) return resources;
  for (const name in inputs) {
    for (const item of [call.inputs[name]].flat()) {
      if (item !== undefined) resources.push(...partsOf(inputs[name]!.type, item).functions);
    }
  }
  return resources;
}

/** Freezes what a node gave at one output and refuses numbers that are not finite. A promise only where tensors are read. */
function settle({ outputs }: NodeDefinition, name: string, value: unknown): Promise<unknown> | undefined {
  const { type, list } = outputs[name]!;
  if (!list) {
    freezeValue(type, value);
    return refuseNonFinite(type, value, name);
  }
  const items = value as readonly unknown[];
  Object.freeze(items);
  for (const item of items) freezeValue(type, item);
  return Promise.all(items.map((item) => refuseNonFinite(type, item, name)));
}

/** Small copies of the images at each output. */
async function copyOutputs(
  { outputs }: NodeDefinition,
  given: readonly Values[],
  { copyImages }: RunWorld,
): Promise<readonly OutputCopy[]> {
  const found: OutputCopy[] = [];
  for (const output in outputs) {
    const values = given.flatMap((values) => values[output]);
    const copied = await copyImages?.(outputs[output]!.type, values);
    for (const copy of copied?.copies ?? []) found.push({ ...copy, output, count: copied!.count });
  }
  return found.length > 0 ? found : none;
}

/** Total length of the lists of an output. */
function countElements(given: readonly Values[], name: string): number {
  return given.reduce((sum, values) => sum + (values[name] as readonly unknown[]).length, 0);
}

/** One list per output from what each call gave; lists of calls are joined. */
function joinLists({ outputs }: NodeDefinition, given: readonly Values[]): Values {
  const lists: Record<string, readonly unknown[]> = {};
  for (const name in outputs) {
    lists[name] = Object.freeze(given.flatMap((values) => values[name]));
  }
  return Object.freeze(lists);
}
