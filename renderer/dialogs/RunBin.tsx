import { useEffect, useState } from 'react';
import type { BinContent } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { formatBytes } from '../state/format.ts';
import { messages } from '../state/messages.ts';

/** What lies in the bin of runs and images that were deleted, and a button that empties it. */
export function RunBin() {
  const editor = useEditor();
  const [content, setContent] = useState<BinContent>();
  const measure = async () => setContent(await editor.desktop.measureBin());
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured once
  useEffect(() => void attempt(editor, measure), [editor]);
  const empty = async () => {
    await editor.desktop.emptyBin();
    await measure();
  };
  if (!content) return null;
  return (
    <div className="form run-bin">
      <span>
        {messages.settings.bin}{' '}
        <span className="faint">{messages.settings.binContent(content.files, formatBytes(content.bytes))}</span>
      </span>
      <button
        type="button"
        className="button"
        disabled={content.files === 0}
        onClick={() => void attempt(editor, empty)}
      >
        {messages.settings.emptyBin}
      </button>
    </div>
  );
}
