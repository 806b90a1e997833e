import type { NodeContext } from '../defineNode.ts';
import { GraphError } from '../errors.ts';
import type { NoiseGradient } from '../ml/diffusion/drawPictures.ts';
import { bytesOfPicture, type NoiseClimb } from '../ml/optimise/climbNoise.ts';

/** The share of free memory that a climb may take, since what is free changes. */
const share = 0.8;

/**
 * How many pictures of a climb are drawn at once: `asked`, or as many as memory has room for where that is 0 or too many.
 * Where the device does not tell of its memory, 0 means 4. `remarks` says by how much a batch was too large.
 */
export async function climbBatch(
  slope: NoiseClimb,
  { batch: asked, gradient }: { readonly batch: number; readonly gradient: NoiseGradient },
  { device }: NodeContext,
): Promise<{ batch: number; remarks: string[] }> {
  const pictures = slope.request.noise.seeds.length;
  const wanted = Math.min(pictures, asked || pictures);
  const { freeBytes } = device.memory;
  if (wanted === 1 || !freeBytes) return { batch: asked || 4, remarks: [] };
  const bytes = await bytesOfPicture(slope, gradient).catch((error: unknown) => {
    if (wanted === pictures && error instanceof GraphError && error.code === 'ROWS_DIFFER') return undefined;
    throw error;
  });
  if (bytes === undefined) return { batch: pictures, remarks: [] }; // a reward has something for each: all or none
  const free = freeBytes();
  const room = Math.max(1, Math.floor((share * free) / bytes));
  if (room >= wanted || asked === 0) return { batch: Math.min(room, wanted), remarks: [] };
  const gibibytes = (count: number) => `${(count / 2 ** 30).toFixed(2)} GiB`;
  const remark = `${wanted} pictures at once take ${gibibytes(bytes * wanted)} of memory and ${gibibytes(free)} are free: ${room} climbed at a time.`;
  return { batch: room, remarks: [remark] };
}
