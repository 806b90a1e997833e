import { UserError } from '../../errors.ts';
import { parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';
import { badCheckpoint, type Checkpoint, type CheckpointValues, elementCount } from './checkpoint.ts';
import { staysHalves } from './convertToFloat32.ts';
import { toFloat16 } from './float16.ts';

/** What stands beside a weight that is stored divided by a scale, in the names of ComfyUI's older and newer files. */
const scaleNames = ['scale_weight', 'weight_scale'] as const;
/** Of activations, which only products in 8 bits need, and marks without values. */
const needless = /(^|\.)(scale_input|input_scale|scaled_fp8|comfy_quant)$/;
/** Scales of other ways to store weights, by blocks or twice. */
const otherScales = /\.(weight_scale_2|pre_quant_scale)$/;
const formats = ['float8_e4m3fn', 'float8_e5m2'];
/** Bytes of what a file says of one layer. */
const LONGEST_NOTE = 4096;

/**
 * A checkpoint of scaled 8-bit floats as one of plain weights: W = scale * stored, one scale a tensor or one a row of it.
 * Any other checkpoint is given back as it is. Scaled weights are read as float32, or as float16 where the device keeps
 * halves. Throws UserError `UNSUPPORTED` for weights that are stored in another way, or `BAD_CHECKPOINT`.
 * Source: ComfyUI, QUANTIZATION.md and comfy/utils.py, convert_old_quants
 */
export async function unscaled(file: Checkpoint): Promise<Checkpoint> {
  const scales = new Map<string, string>();
  const hidden = new Set<string>();
  for (const name of file.names()) {
    if (otherScales.test(name)) throw unsupported(file, `a tensor ${quote(name)}`);
    if (needless.test(name)) hidden.add(name);
    const ending = scaleNames.find((each) => name.endsWith(`.${each}`));
    if (ending === undefined) continue;
    const weight = `${name.slice(0, -ending.length)}weight`;
    if (!file.has(weight))
      throw badCheckpoint(file.path, `${quote(name)} is the scale of ${quote(weight)}, which it lacks`);
    if (scales.has(weight)) throw badCheckpoint(file.path, `it has two scales of ${quote(weight)}`);
    scales.set(weight, name);
    hidden.add(name);
  }
  await refuseOtherFormats(file, hidden);
  if (hidden.size === 0) return file;
  for (const [weight, scale] of scales) checkScale(file, weight, scale);
  const names = file.names().filter((name) => !hidden.has(name));
  return {
    ...file,
    names: () => names,
    has: (name) => !hidden.has(name) && file.has(name),
    entry(name) {
      const entry = file.entry(name);
      if (!scales.has(name)) return entry;
      return { ...entry, dtype: staysHalves(elementCount(entry.shape) as number) ? 'float16' : 'float32' };
    },
    async read(name, staging) {
      const scale = scales.get(name);
      if (scale === undefined) return file.read(name, staging);
      const factors = await file.read(scale);
      const broken = (factors as Float32Array).find((each) => !Number.isFinite(each));
      if (broken !== undefined)
        throw badCheckpoint(file.path, `${quote(scale)} holds ${broken}, where scales are finite numbers`);
      const values = scaledValues(await file.read(name), factors);
      return staysHalves(values.length) ? toFloat16(values) : values;
    },
  };
}

/** stored * scale, row by row where there are several scales. */
function scaledValues(stored: CheckpointValues, scales: CheckpointValues): Float32Array {
  const values = stored instanceof Float32Array ? stored : Float32Array.from(stored as ArrayLike<number>);
  const width = values.length / scales.length;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * (scales[Math.floor(i / width)] as number);
  return values;
}

/** Throws UserError `UNSUPPORTED` or `BAD_CHECKPOINT`. */
function checkScale(file: Checkpoint, weight: string, scale: string): void {
  const [stored, { dtype, shape }] = [file.entry(weight), file.entry(scale)];
  const count = elementCount(shape) as number;
  if (!stored.dtype.startsWith('float') && stored.dtype !== 'bfloat16')
    throw unsupported(file, `weights of ${stored.dtype} with scales (${quote(weight)})`);
  if ((count === 1 || count === stored.shape[0]) && (dtype.startsWith('float') || dtype === 'bfloat16')) return;
  throw badCheckpoint(
    file.path,
    `${quote(scale)} is ${dtype} [${shape.join(', ')}], where ${quote(weight)} [${stored.shape.join(', ')}] takes one scale, or one a row`,
  );
}

/** What a file says of its layers, in its metadata or in a tensor beside each. */
async function refuseOtherFormats(file: Checkpoint, hidden: ReadonlySet<string>): Promise<void> {
  const stated = file.metadata.get('_quantization_metadata');
  const { layers } = typeof stated === 'string' ? readNote(file, stated) : {};
  const notes: unknown[] = typeof layers === 'object' && layers !== null ? Object.values(layers) : [];
  for (const name of hidden)
    if (name.endsWith('comfy_quant')) {
      const { dtype, bytes } = file.entry(name);
      if (dtype !== 'uint8' || bytes > LONGEST_NOTE)
        throw badCheckpoint(
          file.path,
          `${quote(name)} has ${bytes} bytes of ${dtype}, where a note is up to ${LONGEST_NOTE} bytes of uint8`,
        );
      notes.push(readNote(file, new TextDecoder().decode((await file.read(name)) as Uint8Array)));
    }
  for (const note of notes) {
    const format = typeof note === 'string' ? note : (note as { format?: unknown } | null)?.format;
    if (!formats.includes(format as string)) throw unsupported(file, `layers of the format ${quote(format ?? null)}`);
  }
}

function readNote(file: Checkpoint, text: string): Record<string, unknown> {
  try {
    return (parseJson(text) ?? {}) as Record<string, unknown>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw badCheckpoint(file.path, 'what it says of its quantisation is not valid JSON', cause);
  }
}

function unsupported(file: Checkpoint, what: string): UserError {
  return new UserError(
    'UNSUPPORTED',
    `"${file.path}" has ${what}, which is not supported; supported are weights of ${formats.join(' and ')} with one scale a tensor or a row. Take the file in fp16 or bf16.`,
  );
}
