import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import type { Checkpoint, CheckpointValues } from '../weights/checkpoint.ts';
import { openCheckpoint } from '../weights/openCheckpoint.ts';
import type { Family } from './family.ts';

/** A row of expected.json: what a file must give. */
export interface ExpectedFile {
  readonly expect: 'values' | 'refuse';
  readonly mayRefuse?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** By name: a tensor, or a plain value. */
  readonly tensors?: Readonly<Record<string, ExpectedTensor | { readonly plain: unknown }>>;
}
interface ExpectedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | string | boolean)[];
}

/** Reads every file of expected.json, and counts those that were refused as expected and those that went as expected. */
export const checkpointFormats: Family = async ({ files, path, output }) => {
  const text = new TextDecoder().decode(await files.read(joinPath(path, 'expected.json')));
  const expected = Object.entries(JSON.parse(text) as Record<string, ExpectedFile>);
  let refused = 0;
  const wrong: string[] = [];
  for (const [name, file] of expected) {
    const difference = await readAndCompare(joinPath(path, name), file);
    if (difference) wrong.push(`${name}: ${difference}`);
    else if (file.expect === 'refuse') refused++;
  }
  output('out.refused_files', [refused]);
  output('out.all_files', [expected.length - wrong.length]);
  if (wrong.length > 0) throw new UserError('VERIFY_FAILED', wrong.join('\n'));

  async function readAndCompare(filePath: string, file: ExpectedFile): Promise<string | undefined> {
    try {
      const checkpoint = await openCheckpoint(files, filePath);
      const difference = await differenceFrom(checkpoint, file);
      return file.expect === 'refuse' ? 'was read, but is to be refused' : difference;
    } catch (error) {
      if (!(error instanceof UserError && error.code === 'BAD_CHECKPOINT')) throw error;
      return file.expect === 'refuse' || file.mayRefuse ? undefined : `was refused: ${error.message}`;
    }
  }
};

/** The first way in which a checkpoint differs from what is expected, in words; undefined where it does not. */
export async function differenceFrom(checkpoint: Checkpoint, expected: ExpectedFile): Promise<string | undefined> {
  const wanted = new Map(Object.entries(expected.tensors ?? {}));
  for (const name of checkpoint.names()) {
    const values = await checkpoint.read(name);
    const tensor = wanted.get(name);
    if (!tensor || 'plain' in tensor) return `has an unexpected tensor "${name}"`;
    const { dtype, shape } = checkpoint.entry(name);
    if (dtype !== tensor.dtype || shape.join() !== tensor.shape.join()) return `"${name}" is ${dtype} [${shape}]`;
    const got = plainValues(values, dtype);
    const at = got.findIndex((value, i) => value !== tensor.values[i]);
    if (at >= 0 || got.length !== tensor.values.length) return `"${name}" differs at element ${at}: ${got[at]}`;
  }
  for (const [name, value] of wanted) {
    if ('plain' in value ? plainValue(checkpoint.metadata.get(name)) !== value.plain : !checkpoint.has(name))
      return `lacks "${name}"`;
  }
  for (const [key, value] of Object.entries(expected.metadata ?? {})) {
    if (checkpoint.metadata.get(key) !== value) return `its metadata "${key}" is ${checkpoint.metadata.get(key)}`;
  }
  return undefined;
}

/** Values as expected.json writes them. */
function plainValues(values: CheckpointValues, dtype: string): Plain[] {
  if (dtype === 'bool') return Array.from(values as Uint8Array, (value) => value !== 0);
  return Array.from(values as ArrayLike<number | bigint>, plainValue);
}

type Plain = string | number | boolean | null | undefined;

/** Special floats, and integers that no number holds, as texts. */
function plainValue(value: Plain | bigint): Plain {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return Object.is(value, -0) ? '-0' : value;
}
