import { UserError } from '../../errors.ts';

/** Pixels of images that are held at once: as many as 1000 images of 512x512. */
const LARGEST = 2 ** 28;

/** Refuses images that would not fit, before memory is taken for them. Throws UserError `TOO_LARGE`. */
export function refuseLargeBatch(count: number, width: number, height: number): void {
  const pixels = count * width * height;
  if (pixels <= LARGEST) return;
  throw new UserError(
    'TOO_LARGE',
    `${count} images of ${width}x${height} have ${pixels} pixels; at most ${LARGEST} are allowed at once. Take fewer, or smaller ones.`,
  );
}
