import type { NodeContext } from '../../defineNode.ts';
import { UserError } from '../../errors.ts';
import { measureImageBytes } from '../../ml/optimise/imageBytes.ts';
import type { ObjectiveParts } from '../../ml/optimise/objective.ts';
import type { VariableSettings } from '../../ml/optimise/variables.ts';

/** The share of free memory that an optimisation may take, since what is free changes. */
const SHARE = 0.8;

/**
 * How many images are optimised at once: `asked`, or as many as memory has room for where that is 0 or too many.
 * Where the device does not report its free memory, 0 means 4. `room` is what is then left for `keepActivationsWithin`, in bytes.
 * `remarks` says by how much a batch was too large.
 */
export async function chooseBatch(
  parts: ObjectiveParts,
  settings: VariableSettings & { readonly batch: number },
  { device }: NodeContext,
): Promise<{ batch: number; room: number; remarks: string[] }> {
  const { batch: asked } = settings;
  const images = parts.request.noise.seeds.length;
  const wanted = Math.min(images, asked || images);
  const { freeBytes } = device.memory;
  if (!freeBytes) return { batch: asked || 4, room: 0, remarks: [] };
  if (wanted === 1) return { batch: asked || 4, room: (SHARE * freeBytes()) / 2, remarks: [] };
  const bytes = await measureImageBytes(parts, settings).catch((error: unknown) => {
    if (wanted === images && error instanceof UserError && error.code === 'ROWS_DIFFER') return undefined;
    throw error;
  });
  if (bytes === undefined) return { batch: images, room: 0, remarks: [] }; // a reward has something for each: all or none
  const free = freeBytes();
  const most = Math.max(1, Math.floor((SHARE * free) / bytes));
  const batch = Math.min(most, wanted);
  const room = Math.max(0, SHARE * free - batch * bytes);
  if (most >= wanted || asked === 0) return { batch, room, remarks: [] };
  const gibibytes = (count: number) => `${(count / 2 ** 30).toFixed(2)} GiB`;
  const remark = `${wanted} images at once take ${gibibytes(bytes * wanted)} of memory and ${gibibytes(free)} are free: ${batch} are optimised at a time.`;
  return { batch, room, remarks: [remark] };
}
