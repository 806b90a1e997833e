import type { Condition, ImageLabel, Images, PortType } from '../../ports.ts';
import { image, slice, type Tensor4D, tidy } from '../tf.ts';
import { encodePng } from './encodePng.ts';
import { imageIds } from './imageIds.ts';
import { rgbImages } from './rgbImages.ts';

/** Pixels of the longer side of a copy, at most. */
const LONGEST_SIDE = 256;
/** Copies of one output, and their pixels together, at most: 64 small images, or 16 of the largest copies. */
const MOST_COPIES = 64;
const MOST_PIXELS = 16 * LONGEST_SIDE ** 2;

/** A small PNG of one image, with what is known of it. */
interface ImageCopy {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly label?: ImageLabel;
}

/** Pixels of whole images together, at most: 64 of 1024 x 1024. */
const MOST_WHOLE_PIXELS = 64 * 1024 ** 2;

/** Small copies of the first images among values of a type, and how many images there are. */
export interface CopiedImages {
  readonly copies: readonly ImageCopy[];
  readonly count: number;
}

/**
 * Small PNGs of the images that a node gave at an output: of images, and of the image of a condition. Each is named by what
 * it shows, so that one image that several nodes give is one file. `isWhole`: as large as they are, in `finished/`.
 */
export async function copyImages(type: PortType, values: readonly unknown[], isWhole = false): Promise<CopiedImages> {
  const batches = values.flatMap((value) => batchOf(type, value));
  const count = batches.reduce((sum, { pixels }) => sum + pixels.shape[0], 0);
  const copies: ImageCopy[] = [];
  let room = isWhole ? MOST_WHOLE_PIXELS : MOST_PIXELS;
  for (const { pixels, labels } of batches) {
    const [, h, w] = pixels.shape;
    const scale = isWhole ? 1 : Math.min(1, LONGEST_SIDE / Math.max(h, w));
    const size = [Math.max(1, Math.round(h * scale)), Math.max(1, Math.round(w * scale))] as const;
    const area = size[0] * size[1];
    const taken = Math.min(pixels.shape[0], MOST_COPIES - copies.length, Math.floor(room / area));
    if (taken <= 0) break;
    room -= taken * area;
    copies.push(...(await shrinkBatch(isWhole ? 'finished' : 'copies', pixels, labels.slice(0, taken), size, taken)));
  }
  return { copies, count };
}

interface Batch {
  readonly pixels: Tensor4D;
  readonly labels: readonly ImageLabel[];
}

function batchOf(type: PortType, value: unknown): Batch[] {
  if (type === 'images') return [value as Images];
  return type === 'condition' ? [{ pixels: (value as Condition).image, labels: [] }] : [];
}

async function shrinkBatch(
  folder: string,
  pixels: Tensor4D,
  labels: readonly ImageLabel[],
  [height, width]: readonly [number, number],
  taken: number,
): Promise<ImageCopy[]> {
  const small = tidy(() => {
    const first = slice(pixels, [0, 0, 0, 0], [taken, -1, -1, -1]);
    const isSmall = first.shape[1] === height && first.shape[2] === width;
    return isSmall ? first : image.resizeBilinear(first, [height, width], false, true);
  });
  try {
    const ids = labels.length === taken && labels.every(({ id }) => id) ? [] : await imageIds(small);
    return (await rgbImages(small)).map((shrunk, i): ImageCopy => {
      const label = labels[i];
      return {
        name: `${folder}/${label?.id ?? ids[i]}.png`,
        mime: 'image/png',
        bytes: encodePng(shrunk),
        ...(label ? { label } : {}),
      };
    });
  } finally {
    small.dispose();
  }
}
