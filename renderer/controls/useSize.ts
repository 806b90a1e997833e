import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

/** The place of an element on the screen in pixels, measured again whenever it changes; undefined before the first time. */
export function useSize<Kind extends Element>(): [RefObject<Kind | null>, DOMRectReadOnly | undefined] {
  const place = useRef<Kind>(null);
  const [size, setSize] = useState<DOMRectReadOnly>();
  useLayoutEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => setSize(entry?.contentRect));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return [place, size];
}
