import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import type { Adaptable, Generator } from '../../../ports.ts';
import { quote } from '../../../quote.ts';
import { dispose, type Tensor, type Tensor2D } from '../../tf.ts';
import { badCheckpoint, type Checkpoint, elementCount } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { checkpointBytes, loadWeights, requireMemory } from '../../weights/loadWeights.ts';
import {
  type AdaptedPart,
  type AdaptedPlace,
  type FactorName,
  placeFinder,
  readFactorName,
  unsupportedKind,
} from '../../weights/loraNames.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import type { Adapter, Factored, WeightChange } from '../lora.ts';
import { familyOfWidth } from './familyOfWidth.ts';
import type { LoadOptions } from './loadParts.ts';
import { type PeftScale, readPeftScale } from './loraScale.ts';
import { changedBytes } from './modelDescription.ts';
import { contentOf, nameOf } from './modelFolder.ts';

/** How much an adapter counts in each kind of network; 1 as trained, any number allowed. */
export interface AdapterStrength {
  readonly unet: number;
  readonly text: number;
}

/** The factors of one change, as the file has them. */
interface Module extends AdaptedPlace {
  /** Without the strength. */
  readonly scale: number;
  readonly factors: ReadonlyMap<FactorName, string>;
}

/**
 * Loads a low-rank adapter and lays it over a generator, whose weights it leaves as they are. The caller owns the result;
 * after a failure or an abort nothing is left. Throws UserError `UNSUPPORTED` and what `readLora` throws.
 */
export async function loadLora(
  files: Files,
  location: string,
  generator: Generator,
  strength: AdapterStrength,
  options: LoadOptions = {},
): Promise<Generator> {
  const { name, adaptable } = generator;
  if (!adaptable) throw new UserError('UNSUPPORTED', `"${name}" has no weights that a LoRA could change.`);
  return adaptable.adapt(await readLora(files, location, { name, shapes: adaptable.shapes }, strength, options));
}

/** What an adapter is read for. */
interface AdaptedModel extends Pick<Adaptable, 'shapes'> {
  readonly name: string;
}

/**
 * Loads a low-rank adapter (LoRA with or without convolutions, LoHa, LoKr) in the layouts of diffusers, peft and kohya.
 * Networks of strength 0 are checked and not loaded. The caller owns the result; after a failure or an abort nothing is
 * left. Throws UserError `NOT_FOUND`, `UNSUPPORTED`, `DOES_NOT_FIT`, `UNKNOWN_WEIGHTS`, `BAD_CHECKPOINT`,
 * `NOT_ENOUGH_MEMORY`, or the signal's reason.
 */
export async function readLora(
  files: Files,
  location: string,
  model: AdaptedModel,
  strength: AdapterStrength,
  options: LoadOptions = {},
): Promise<Adapter> {
  const path = await files.locate(location);
  const file = await openWhole(files, await findAdapter(files, path));
  return loadFactors(file, nameOf(path), await readModules(files, file, model), model, strength, options);
}

/** The file of an adapter in a folder. Throws UserError `NOT_FOUND` that lists what the folder holds. */
async function findAdapter(files: Files, path: string): Promise<string> {
  const names = await files.list(path);
  if (!names) return path;
  const usual = ['pytorch_lora_weights', 'adapter_model'].flatMap((name) => [`${name}.safetensors`, `${name}.bin`]);
  const all = names.filter((name) => /\.(safetensors|sft)$/i.test(name));
  const found = usual.find((name) => names.includes(name)) ?? (all.length === 1 ? all[0] : undefined);
  if (found !== undefined) return joinPath(path, found);
  throw new UserError(
    'NOT_FOUND',
    `"${path}" has no LoRA: looked for ${usual.join(', ')} or one .safetensors file; ${await contentOf(files, path)}. One of several is named by its own path.`,
  );
}

/** Finds for every tensor what it changes. */
async function readModules(files: Files, file: WholeFile, model: AdaptedModel): Promise<Module[]> {
  refuseOtherKinds(file);
  const find = placeFinder(
    Object.fromEntries(Object.entries(model.shapes).map(([part, shapes]) => [part, [...shapes.keys()]])),
  );
  const byWeight = new Map<string, { place: AdaptedPlace; factors: Map<FactorName, string> }>();
  const homeless: string[] = [];
  for (const name of file.names()) {
    const read = readFactorName(name);
    const place = read && find(read.place);
    if (read && !place) homeless.push(name);
    if (!read || !place) continue;
    const key = `${place.part}/${place.weight}`;
    const { factors } = byWeight.get(key) ?? { factors: new Map<FactorName, string>() };
    if (factors.has(read.role))
      throw badCheckpoint(file.path, `${quote(factors.get(read.role))} and ${quote(name)} mean the same tensor`);
    byWeight.set(key, { place, factors: factors.set(read.role, name) });
  }
  if (byWeight.size === 0 && homeless.length === 0)
    throw new UserError(
      'UNSUPPORTED',
      `"${file.path}" is no LoRA: looked for tensors named lora_down and lora_up, lora_A and lora_B, hada_ or lokr_; its names start with ${file.names().slice(0, 3).join(', ') || 'nothing'}.${seemsLike(file.names())}`,
    );
  refuseOtherModel(file, model, [...byWeight.values()], homeless);
  requireNothingElse(file, byWeight.values());
  const scaleOf = await readPeftScale(files, file);
  return Promise.all([...byWeight.values()].map((each) => readModule(file, each.place, each.factors, scaleOf)));
}

/** Throws UserError `UNSUPPORTED`. */
function refuseOtherKinds(file: Checkpoint): void {
  for (const name of file.names()) {
    const kind = unsupportedKind(name);
    if (kind === undefined) continue;
    throw new UserError(
      'UNSUPPORTED',
      `"${file.path}" has a tensor ${quote(name)}: it is ${kind}, which is not supported; supported are LoRA (linear and convolutions), LoHa and LoKr.`,
    );
  }
}

/** Throws UserError `UNKNOWN_WEIGHTS` for tensors that no module is made of. */
function requireNothingElse(file: WholeFile, modules: Iterable<{ factors: ReadonlyMap<FactorName, string> }>): void {
  for (const { factors } of modules) file.setAside([...factors.values()]);
  const unknown = file.unknown();
  if (unknown.length === 0) return;
  throw new UserError(
    'UNKNOWN_WEIGHTS',
    `"${file.path}" is a LoRA of which ${unknown.length} of ${file.names().length} tensors have no place in this model (${nameSome(unknown)}), so it would not be what the file means.`,
  );
}

const nameSome = (names: readonly string[]): string =>
  names
    .slice(0, 3)
    .map((name) => quote(name))
    .join(', ') + (names.length > 3 ? ', ...' : '');

/** Throws UserError `DOES_NOT_FIT` where shapes or places are those of another model, told by what it says of the text. */
function refuseOtherModel(
  file: Checkpoint,
  { name: model, shapes }: AdaptedModel,
  found: readonly { place: AdaptedPlace; factors: ReadonlyMap<FactorName, string> }[],
  homeless: readonly string[],
): void {
  const shapeOf = ({ part, weight }: AdaptedPlace) => shapes[part]?.get(weight) ?? [];
  const misshapen = found.find(({ place, factors }) => !fits(file, factors, shapeOf(place)));
  if (!misshapen && (homeless.length === 0 || found.length > homeless.length)) return; // a few have no place: they are named
  const width = [...(shapes.unet ?? [])].find(([name]) => name.endsWith('attn2.to_k.weight'))?.[1][1];
  const own = `"${model}" takes text features ${width ?? '?'} wide${familyOfWidth(width)}`;
  const textKey = file
    .names()
    .find((name) => /attn2[._](processor[._])?to_k(_lora)?\..*(down|lora_A)[^_]*weight$/.test(name));
  const theirs = textKey === undefined ? undefined : file.entry(textKey).shape[1];
  const said =
    theirs === undefined || theirs === width ? '' : ` for text features ${theirs} wide${familyOfWidth(theirs)}`;
  const example = misshapen
    ? `${[...misshapen.factors]
        .filter(([role]) => role !== 'alpha')
        .map(([, name]) => `${name} [${file.entry(name).shape.join(', ')}]`)
        .slice(0, 2)
        .join(' and ')} cannot change ${misshapen.place.weight} [${shapeOf(misshapen.place).join(', ')}]`
    : `${homeless.length} of its tensors have no place in it (${nameSome(homeless)})`;
  const other = seemsLike(homeless.filter((name) => /(double|single|joint)_(transformer_)?blocks/.test(name)));
  throw new UserError(
    'DOES_NOT_FIT',
    `"${file.path}" is a LoRA${said}; ${own}: ${example}. Take a LoRA for this kind of model, or the model it was made for.${other}`,
  );
}

/** Whether factors multiply to a weight of that shape. Wrong sets of factors pass: they are named later. */
function fits(file: Checkpoint, factors: ReadonlyMap<FactorName, string>, shape: readonly number[]): boolean {
  if (shape.length !== 2 && shape.length !== 4) return false;
  const [out, inner] = [shape[0] as number, (elementCount(shape) as number) / (shape[0] as number)];
  const matrix = (name: FactorName): readonly [number, number] | undefined => {
    const stored = factors.get(name);
    if (stored === undefined) return undefined;
    const found = file.entry(stored).shape;
    return [found[0] ?? 1, (elementCount(found) as number) / (found[0] || 1)];
  };
  const times = (a: FactorName, b: FactorName): readonly [number, number] | undefined => {
    const [first, second] = [matrix(a), matrix(b)];
    if (!first || !second) return undefined;
    return first[1] === second[0] ? [first[0], second[1]] : [-1, -1];
  };
  const all = [
    times('up', 'down'),
    times('hada_w1_a', 'hada_w1_b'),
    times('hada_w2_a', 'hada_w2_b'),
    ((a, b) => a && b && ([a[0] * b[0], a[1] * b[1]] as const))(
      matrix('lokr_w1') ?? times('lokr_w1_a', 'lokr_w1_b'),
      matrix('lokr_w2') ?? times('lokr_w2_a', 'lokr_w2_b'),
    ),
  ];
  return all.every((each) => each === undefined || (each[0] === out && each[1] === inner));
}

/** Which sets of factors make a change. */
const sets: readonly (readonly FactorName[])[] = [
  ['up', 'down'],
  ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'],
  ['lokr_w1', 'lokr_w2'],
  ['lokr_w1', 'lokr_w2_a', 'lokr_w2_b'],
  ['lokr_w1_a', 'lokr_w1_b', 'lokr_w2'],
  ['lokr_w1_a', 'lokr_w1_b', 'lokr_w2_a', 'lokr_w2_b'],
];

/** Throws UserError `BAD_CHECKPOINT` where factors are missing or a scale is no number. */
async function readModule(
  file: Checkpoint,
  place: AdaptedPlace,
  named: ReadonlyMap<FactorName, string>,
  scaleOf: PeftScale,
): Promise<Module> {
  const factors = new Map([...named].filter(([role]) => role !== 'alpha'));
  const complete = sets.some((set) => set.length === factors.size && set.every((role) => factors.has(role)));
  if (!complete)
    throw badCheckpoint(
      file.path,
      `${place.part} ${place.weight} has ${[...named.keys()].join(', ')}, which make no LoRA, LoHa or LoKr`,
    );
  // The rank is the first axis of what is multiplied from the right; a LoKr of two whole factors has none, and no scale.
  const inner = ['down', 'hada_w1_b', 'lokr_w2_b', 'lokr_w1_b'] as const;
  const ranked = inner.map((role) => factors.get(role)).find((name) => name !== undefined);
  if (ranked === undefined) return { ...place, scale: 1, factors };
  const rank = file.entry(ranked).shape[0] as number; // above 0, or it would not fit
  const alpha = named.get('alpha');
  const scale = alpha === undefined ? scaleOf(place, rank) : (await scalarOf(file, alpha)) / rank;
  return { ...place, scale, factors };
}

async function scalarOf(file: Checkpoint, name: string): Promise<number> {
  const count = elementCount(file.entry(name).shape);
  const value = count === 1 ? Number((await file.read(name))[0]) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw badCheckpoint(file.path, `${quote(name)} is ${count === 1 ? value : `${count} values`} instead of one number`);
}

async function loadFactors(
  file: Checkpoint,
  name: string,
  modules: readonly Module[],
  { shapes }: AdaptedModel,
  strength: AdapterStrength,
  { signal, freeBytes, progress }: LoadOptions,
): Promise<Adapter> {
  const strengthOf = (part: AdaptedPart) => (part === 'unet' ? strength.unet : strength.text);
  const used = modules.filter(({ part, scale }) => scale * strengthOf(part) !== 0);
  const stored = new Set(used.flatMap(({ factors }) => [...factors.values()]));
  const matrices = asMatrices(file);
  const keep = (each: string) => stored.has(each);
  const bytes = checkpointBytes(matrices, { keep });
  const needed = bytes + changedBytes(used, shapes);
  if (freeBytes) requireMemory(`The LoRA "${name}" with the weights that it changes`, needed, freeBytes());
  await progress?.(0, `loading the LoRA, ${Math.ceil(bytes / 2 ** 20)} MiB`);
  const tensors: ReadonlyMap<string, Tensor> = await loadWeights(matrices, { keep, ...(signal && { signal }) });
  const changes: Partial<Record<AdaptedPart, Map<string, WeightChange[]>>> = {};
  for (const module of used) {
    const own = changes[module.part] ?? new Map<string, WeightChange[]>();
    changes[module.part] = own;
    own.set(module.weight, [changeOf(module, strengthOf(module.part), (each) => tensors.get(each) as Tensor2D)]);
  }
  return { name, bytes, changes, dispose: () => dispose([...tensors.values()]) };
}

function changeOf({ factors, scale }: Module, strength: number, tensorOf: (stored: string) => Tensor2D): WeightChange {
  const get = (role: FactorName): Tensor2D => tensorOf(factors.get(role) as string);
  const factored = (role: 'hada_w1' | 'hada_w2' | 'lokr_w1' | 'lokr_w2'): Factored =>
    factors.has(role as FactorName) ? { whole: get(role as FactorName) } : { a: get(`${role}_a`), b: get(`${role}_b`) };
  const shared = { scale: strength * scale };
  if (factors.has('down')) return { ...shared, kind: 'lora', up: get('up'), down: get('down') };
  if (factors.has('hada_w1_a'))
    return { ...shared, kind: 'loha', first: factored('hada_w1'), second: factored('hada_w2') };
  return { ...shared, kind: 'lokr', first: factored('lokr_w1'), second: factored('lokr_w2') };
}

/** The same file with each tensor as a matrix: its first axis by all others. */
function asMatrices(file: Checkpoint): Checkpoint {
  return {
    ...file,
    entry(name) {
      const entry = file.entry(name);
      const rows = entry.shape[0] ?? 1;
      return { ...entry, shape: [rows, rows === 0 ? 0 : (elementCount(entry.shape) as number) / rows] };
    },
  };
}
