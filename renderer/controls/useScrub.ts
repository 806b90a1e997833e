import { type PointerEvent, useRef } from 'react';

/** Screen pixels of a drag per step of the number. */
const STEP = 4;

/**
 * A number that is changed by dragging across its field, with Shift ten times as fast; a press that does not move writes
 * in it. `stepTo` gets how many steps the number is from what it was at the press; `onEnd` ends a drag.
 */
export function useScrub<Value>(value: Value, stepTo: (from: Value, steps: number) => void, onEnd: () => void) {
  const press = useRef<{ readonly x: number; readonly from: Value; steps: number; last: number }>(undefined);
  return {
    onPointerDown(event: PointerEvent<HTMLInputElement>) {
      if (event.button !== 0 || document.activeElement === event.currentTarget) return;
      event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      press.current = { x: event.clientX, from: value, steps: 0, last: event.clientX };
    },
    onMouseDown(event: React.MouseEvent) {
      if (press.current) event.preventDefault(); // it is written in when the button comes up
    },
    onPointerMove(event: PointerEvent) {
      const drag = press.current;
      if (!drag) return;
      const moved = Math.trunc((event.clientX - drag.last) / STEP);
      if (moved === 0) return;
      drag.last += moved * STEP;
      drag.steps += moved * (event.shiftKey ? 10 : 1);
      stepTo(drag.from, drag.steps);
    },
    onPointerUp(event: PointerEvent<HTMLInputElement>) {
      const drag = press.current;
      press.current = undefined;
      if (!drag) return;
      if (drag.last === drag.x) event.currentTarget.select();
      else onEnd();
    },
  };
}
