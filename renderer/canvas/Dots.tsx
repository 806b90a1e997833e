import { useLayoutEffect, useRef } from 'react';
import { useStoreApi } from 'reactflow';
import { GRID } from '../level/grid.ts';

/** The least distance between dots in screen pixels. */
const LEAST_GAP = 12;

/** The dotted background. Panning moves it as one layer, which is repainted only when the zoom changes. */
export function Dots() {
  const store = useStoreApi();
  const dots = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const put = ({ transform: [x, y, zoom] }: { transform: readonly [number, number, number] }) => {
      if (!dots.current) return;
      let gap = 3 * GRID * zoom;
      while (gap < LEAST_GAP) gap *= 2;
      const { style } = dots.current;
      style.backgroundSize = `${gap}px ${gap}px`;
      style.transform = `translate(${x % gap}px, ${y % gap}px)`;
    };
    put(store.getState());
    return store.subscribe(put);
  }, [store]);
  return <div className="dots" ref={dots} aria-hidden />;
}
