import type { Files } from '../../nodes/files.ts';
import { placeError } from '../document/problems.ts';
import { hashText } from './hashText.ts';
import { labelStep, type Plan, type Step } from './plan.ts';

/** Content hashes of files, by location as written in params. */
type Fingerprints = ReadonlyMap<string, string>;

/**
 * The cache key of every step, or undefined where it cannot be known before the run, because a wire drives the location
 * of a file that the step (or one before it) reads. Linear, and without recursion: sources come first in a plan.
 */
export function cacheKeys({ steps }: Plan, fingerprints: Fingerprints): (string | undefined)[] {
  const keys: (string | undefined)[] = [];
  for (const step of steps) {
    const known = !readsLate(step) && sourcesKnown(step, keys);
    keys.push(known ? stepKey(step, keys, listLocations(step, [step.params]), fingerprints) : undefined);
  }
  return keys;
}

function sourcesKnown({ inputs }: Step, keys: readonly (string | undefined)[]): boolean {
  for (const { sources } of inputs) for (const { step } of sources) if (keys[step] === undefined) return false;
  return true;
}

/**
 * Hash of all that determines a step's result: node type and version, params, the keys and names of its inputs' sources,
 * and the content of the files it reads (a Merkle hash, so a change anywhere before it changes it).
 */
export function stepKey(
  { definition, params, inputs }: Step,
  keys: readonly (string | undefined)[],
  locations: readonly string[],
  fingerprints: Fingerprints,
): string {
  let text = `${definition.type} ${definition.version}`;
  for (const name in definition.params) {
    if (!isDriven(inputs, name)) text += `\n${name}:${JSON.stringify(params[name])}`;
  }
  for (const { name, sources } of inputs) {
    text += `\n${name}`;
    for (const { step, output } of sources) text += ` ${keys[step]}.${output}`;
  }
  for (const location of locations) text += `\n${fingerprints.get(location)}`;
  return hashText(text);
}

function isDriven(inputs: Step['inputs'], name: string): boolean {
  for (const input of inputs) if (input.name === name) return true;
  return false;
}

/** Whether the files a step reads are known only when the wires that drive its params are. */
export function readsLate({ definition, inputs }: Step): boolean {
  return definition.files !== undefined && inputs.some(({ count }) => count === 'param');
}

/** The locations a step reads for these sets of params (several where it runs once per element of a list). */
export function listLocations({ definition }: Step, params: readonly Step['params'][]): readonly string[] {
  return definition.files ? params.flatMap((values) => definition.files!(values)) : nowhere;
}

const nowhere: readonly string[] = [];

/** Adds the content hashes of a step's files to those known. Throws UserError `NOT_FOUND`, placed at the step. */
export async function addFingerprints(
  known: Map<string, string>,
  step: Step,
  locations: readonly string[],
  files: Files,
): Promise<void> {
  for (const location of locations) {
    if (known.has(location)) continue;
    try {
      known.set(location, await files.fingerprint(await files.locate(location)));
    } catch (error) {
      throw placeError(error, step.id, labelStep(step));
    }
  }
}
