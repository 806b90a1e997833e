import { isField } from './isField.ts';

/**
 * Where the focus goes once a menu, a palette or a dialog closes: to the canvas, unless what was chosen writes in a field
 * already. Where there is no canvas, to where it was.
 */
export function focusCanvas(): HTMLElement | boolean {
  const canvas = document.querySelector<HTMLElement>('main.canvas');
  if (!canvas) return true;
  return canvas.contains(document.activeElement) && isField(document.activeElement) ? false : canvas;
}
