import { useLayoutEffect, useState } from 'react';

/**
 * The place of an element on the screen in pixels, measured again whenever it changes; undefined before the first time.
 * The first value is for the `ref` of the element, the last the element while it is there.
 */
export function useSize<Kind extends Element>(): [
  ref: (element: Kind | null) => void,
  size: DOMRectReadOnly | undefined,
  element: Kind | null,
] {
  const [element, setElement] = useState<Kind | null>(null);
  const [size, setSize] = useState<DOMRectReadOnly>();
  useLayoutEffect(() => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setSize(entry?.contentRect));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, size, element];
}
