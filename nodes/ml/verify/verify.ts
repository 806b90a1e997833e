import { UserError } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { dispose, keep, Tensor, tensor } from '../tf.ts';
import type { Checkpoint, CheckpointValues } from '../weights/checkpoint.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { families as allFamilies } from './families.ts';
import type { Family, GoldenTensor, Variant } from './family.ts';

/** How one recomputed tensor compares with the reference: ok where |got - expected| <= absolute + relative * |expected|. */
export interface VerifyRow {
  readonly name: string;
  readonly ok: boolean;
  /** Largest |got - expected|. */
  readonly absoluteError: number;
  /** Largest |got - expected| / |expected| over values with |expected| above the absolute tolerance. */
  readonly relativeError: number;
  readonly tolerance: { readonly absolute: number; readonly relative: number };
  /** Why the tensor could not be compared: not computed, wrong shape, not a number. */
  readonly problem?: string;
}

export interface VerifyReport {
  readonly folder: string;
  /** Undefined where no family has that name. */
  readonly family: string | undefined;
  readonly ok: boolean;
  readonly rows: readonly VerifyRow[];
  /** What concerns the whole folder: an unknown family, an unreadable file, an error while computing. */
  readonly problems: readonly string[];
}

interface VerifyOptions {
  readonly files: Files;
  /** Multiplies every tolerance of floats: 1 on native, 10 on other devices. */
  readonly toleranceFactor?: number;
  readonly families?: Readonly<Record<string, Family>>;
}

/**
 * Recomputes every `out.*` tensor of a golden folder (case.json, tensors.json, expected.safetensors) on the present
 * backend and compares it. Never throws for what is wrong with the folder: that stands in the report.
 */
export async function verifyFolder(folder: string, options: VerifyOptions): Promise<VerifyReport> {
  const { files, toleranceFactor = 1, families = allFamilies } = options;
  const report = (family: string | undefined, rows: VerifyRow[], problems: string[]): VerifyReport => ({
    folder,
    family,
    rows,
    problems,
    ok: problems.length === 0 && rows.length > 0 && rows.every((row) => row.ok),
  });
  let familyName: string | undefined;
  try {
    const path = await files.locate(folder);
    const settings = (await readJson(files, joinPath(path, 'case.json'))) as Record<string, unknown>;
    familyName = familyOf(path, settings, families);
    if (!familyName) return report(undefined, [], [unknownFamily(path, families)]);
    const table = (await readJson(files, joinPath(path, 'tensors.json'))) as GoldenTensor[];
    const expected = await openSafetensors(files, joinPath(path, 'expected.safetensors'));
    const family = families[familyName]!;
    const computed = await compute(family, { files, path, settings, table, expected });
    const rows = await compareAll(table, expected, computed, { toleranceFactor, settings });
    return report(familyName, rows, computed.problems);
  } catch (error) {
    return report(familyName, [], [describeError(error)]);
  }
}

type Output = Tensor | readonly number[];

interface Folder {
  readonly files: Files;
  readonly path: string;
  readonly settings: Record<string, unknown>;
  readonly table: readonly GoldenTensor[];
  readonly expected: Checkpoint;
}

/** What a family handed over, as plain values by name, and what it handed over once more as variants. */
interface Outputs {
  readonly outputs: ReadonlyMap<string, Computed>;
  readonly variants: readonly { readonly name: string; readonly variant: Variant; readonly computed: Computed }[];
}

/** Runs a family, and has disposed of every tensor involved. */
async function compute(
  family: Family,
  { files, path, settings, table, expected }: Folder,
): Promise<Outputs & { readonly problems: string[] }> {
  const inputs = await readTensors(expected, (name) => name.startsWith('in.'));
  const references: Tensor[] = [];
  const handed: { name: string; value: Output; variant: Variant | undefined }[] = [];
  const problems: string[] = [];
  try {
    await family({
      files,
      path,
      settings,
      wanted: table.filter((row) => row.name.startsWith('out.')),
      input: (name) => {
        const input = inputs.get(name);
        if (!input) throw new UserError('NOT_FOUND', `expected.safetensors has no input "${name}".`);
        return input;
      },
      async reference(name) {
        const found = (await readTensors(expected, (each) => each === name)).get(name);
        if (!found) throw new UserError('NOT_FOUND', `expected.safetensors has no output "${name}".`);
        references.push(found);
        return found;
      },
      output: (name, value, variant) => {
        handed.push({ name, value: value instanceof Tensor ? keep(value) : value, variant });
      },
    });
  } catch (error) {
    problems.push(describeError(error));
  }
  const outputs = new Map<string, Computed>();
  const variants: Outputs['variants'][number][] = [];
  for (const { name, value, variant } of handed) {
    const computed = await readValues(value);
    if (variant) variants.push({ name, variant, computed });
    else outputs.set(name, computed);
  }
  for (const { value } of handed) if (value instanceof Tensor) value.dispose();
  dispose([...inputs.values(), ...references]);
  return { outputs, variants, problems };
}

interface Computed {
  /** Undefined for plain numbers, which have the shape that is wanted. */
  readonly shape: readonly number[] | undefined;
  readonly values: ArrayLike<number>;
}

async function readValues(value: Output): Promise<Computed> {
  if (!(value instanceof Tensor)) return { shape: undefined, values: value };
  return { shape: value.shape, values: await value.data() };
}

async function readTensors(expected: Checkpoint, wants: (name: string) => boolean): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const name of expected.names().filter(wants)) {
    const { shape, dtype } = expected.entry(name);
    const numbers = toNumbers(await expected.read(name));
    const isFloat = dtype.startsWith('float');
    const values = isFloat ? Float32Array.from(numbers) : Int32Array.from(numbers);
    tensors.set(name, tensor(values, [...shape], isFloat ? 'float32' : 'int32'));
  }
  return tensors;
}

async function compareAll(
  table: readonly GoldenTensor[],
  expected: Checkpoint,
  { outputs, variants }: Outputs,
  options: { toleranceFactor: number; settings: Record<string, unknown> },
): Promise<VerifyRow[]> {
  const rows: VerifyRow[] = [];
  const described = new Map(table.map((row) => [row.name, row]));
  const stored = new Set(expected.names());
  for (const name of new Set([...described.keys(), ...stored])) {
    if (!name.startsWith('out.')) continue;
    const row = described.get(name);
    if (!row || !stored.has(name)) {
      rows.push(failure(name, row ? 'it is not in expected.safetensors' : 'it has no row in tensors.json'));
      continue;
    }
    const { shape, dtype } = expected.entry(name);
    const values = toNumbers(await expected.read(name));
    const exact = !dtype.includes('float');
    const ignored = exact ? disputedRows(options.settings, shape) : undefined;
    const rounding = { absolute: dtype === 'uint8' ? 1 : 0, relative: 0 }; // images of bytes were rounded
    const tolerance = exact ? rounding : readTolerance(row, values, options.toleranceFactor);
    rows.push(compareTensor(name, outputs.get(name), { shape, values }, tolerance, ignored));
    for (const { variant, computed } of variants.filter((each) => each.name === name)) {
      const own = readTolerance({ ...row, ...variant }, values, options.toleranceFactor);
      rows.push(compareTensor(`${name} ${variant.title}`, computed, { shape, values }, own));
    }
  }
  return rows;
}

/** Compares one tensor with its reference; elements for which `ignored` is true are left out. */
export function compareTensor(
  name: string,
  got: Computed | undefined,
  expected: { readonly shape: readonly number[]; readonly values: ArrayLike<number> },
  tolerance: { readonly absolute: number; readonly relative: number },
  ignored: (index: number) => boolean = () => false,
): VerifyRow {
  if (!got) return failure(name, 'not computed');
  const count = expected.values.length;
  if (got.values.length !== count || (got.shape && got.shape.join() !== expected.shape.join())) {
    const shape = got.shape ?? [got.values.length];
    return failure(name, `has shape [${shape.join(', ')}], expected [${expected.shape.join(', ')}]`);
  }
  let absoluteError = 0;
  let relativeError = 0;
  let ok = true;
  for (let i = 0; i < count; i++) {
    const wanted = expected.values[i]!;
    const value = got.values[i]!;
    if (ignored(i) || Object.is(wanted, value)) continue;
    const error = Math.abs(value - wanted);
    if (Number.isNaN(error)) return failure(name, `is ${value} at element ${i}, expected ${wanted}`);
    const size = Math.abs(wanted);
    absoluteError = Math.max(absoluteError, error);
    if (size > tolerance.absolute) relativeError = Math.max(relativeError, error / size);
    if (error > tolerance.absolute + tolerance.relative * size) ok = false;
  }
  return { name, ok, absoluteError, relativeError, tolerance };
}

function failure(name: string, problem: string): VerifyRow {
  const none = Number.NaN;
  return {
    name,
    ok: false,
    absoluteError: none,
    relativeError: none,
    tolerance: { absolute: none, relative: none },
    problem,
  };
}

/** The row's tolerance; where it states none, 1e-4 of each value and of the largest one. */
function readTolerance(row: GoldenTensor, values: Float64Array | Float32Array | Int32Array, factor: number) {
  const largest = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { absolute: (row.atol ?? 1e-4 * largest) * factor, relative: (row.rtol ?? 1e-4) * factor };
}

/**
 * `disputed_prompts` in case.json lists prompts whose tokens the reference libraries do not agree on: their rows of a
 * [prompts, ...] tensor of integers are not insisted on.
 */
function disputedRows(
  { prompts, disputed_prompts: disputed }: Record<string, unknown>,
  shape: readonly number[],
): ((index: number) => boolean) | undefined {
  if (!Array.isArray(prompts) || !Array.isArray(disputed) || shape.length < 2 || shape[0] !== prompts.length) return;
  const rowSize = shape.slice(1).reduce((product, size) => product * size, 1);
  return (index) => disputed.includes(Math.floor(index / rowSize));
}

/** Family of a folder: `family` of case.json, else the longest family that its name is or starts with (`taesd-b`). */
export function familyOf(
  path: string,
  settings: Record<string, unknown>,
  families: Readonly<Record<string, unknown>>,
): string | undefined {
  const { family } = settings;
  if (typeof family === 'string') return Object.hasOwn(families, family) ? family : undefined;
  const folder = path.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
  return Object.keys(families)
    .filter((name) => folder === name || (folder.startsWith(name) && /[^a-zA-Z0-9]/.test(folder.charAt(name.length))))
    .sort((a, b) => b.length - a.length)[0];
}

function unknownFamily(path: string, families: Readonly<Record<string, unknown>>): string {
  return `"${path}" belongs to no known family; the families are ${Object.keys(families).sort().join(', ') || 'none'}.`;
}

async function readJson(files: Files, path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await files.read(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError('BAD_FILE', `"${path}" is not valid JSON: ${describeError(cause)}.`, { cause });
  }
}

/** int64 values become numbers: those of golden files are far below 2^53. */
function toNumbers(values: CheckpointValues): Float64Array | Float32Array | Int32Array {
  if (values instanceof BigInt64Array) return Float64Array.from(values, Number);
  return values instanceof Float32Array || values instanceof Float64Array ? values : Int32Array.from(values);
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
