import { type ReactNode, useState } from 'react';
import { messages } from '../state/messages.ts';

/** Two images in one place, with a line to drag between them; also by the arrow keys. */
export function BeforeAfter({ before, after }: { before: ReactNode; after: ReactNode }) {
  const [percent, setPercent] = useState(50);
  return (
    <div className="before-after">
      <div className="layer">{after}</div>
      <div className="layer" style={{ clipPath: `inset(0 ${100 - percent}% 0 0)` }}>
        {before}
      </div>
      <div className="divider" style={{ left: `${percent}%` }} />
      <input
        type="range"
        min={0}
        max={100}
        value={percent}
        aria-label={messages.results.slider}
        onChange={({ target }) => setPercent(Number(target.value))}
      />
    </div>
  );
}
