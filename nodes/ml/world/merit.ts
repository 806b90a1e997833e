import { SCENE_SIZE, type Scene } from './scene.ts';

/** What the merit of an image for a prompt is made of, each in [0, 1]. */
interface MeritParts {
  /** How far the prompt is satisfied, see `Judgement`. */
  readonly satisfied: number;
  /** 1 - the severity of what spoiled the image, see `blemish`. */
  readonly clean: number;
  /** See `composition`. */
  readonly composed: number;
}

/**
 * The rule by which the built-in preference model was taught: what the prompt asks for counts most, then a clean image,
 * then a large and centred composition. In [0, 11].
 */
export const merit = ({ satisfied, clean, composed }: MeritParts): number => 6 * satisfied + 3 * clean + 2 * composed;

/**
 * The mean of two shares: of the largest radius, 20 pixels, that the mean radius is; and of the way from a border to the
 * middle of the image at which the mean of the objects' centres lies.
 */
export function composition({ objects }: Scene): number {
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const half = SCENE_SIZE / 2;
  const [x, y] = [mean(objects.map((each) => each.x)), mean(objects.map((each) => each.y))];
  const size = Math.min(1, mean(objects.map(({ radius }) => radius)) / 20);
  return 0.5 * size + 0.5 * Math.max(0, 1 - Math.hypot(x - half, y - half) / half);
}
