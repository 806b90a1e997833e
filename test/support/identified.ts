import { expect } from 'vitest';
import type { ImageLabel } from '../../nodes/ports.ts';

/** Labels as those of images are, which also say which image each is. */
export function identified(labels: readonly ImageLabel[]): ImageLabel[] {
  return labels.map((label) => ({ ...label, id: expect.stringMatching(/^[0-9a-f]{32}$/) }));
}
