import { useEffect, useState } from 'react';
import type { DesktopApi } from '../../electron/host/ipc.ts';
import { attempt } from './attempt.ts';
import { useEditor } from './editor.ts';

/**
 * What the shell gives for a key, which says all that `read` depends on: undefined until it is there, and again as soon as
 * the key is another. An answer for an earlier key is dropped.
 */
export function useRead<Value>(
  key: string,
  read: (desktop: DesktopApi) => Promise<Value> | undefined,
): Value | undefined {
  const editor = useEditor();
  const [last, setLast] = useState<{ readonly key: string; readonly value: Value | undefined }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what is read
  useEffect(() => {
    let isWanted = true;
    void attempt(editor, async () => {
      const value = await read(editor.desktop);
      if (isWanted) setLast({ key, value });
    });
    return () => {
      isWanted = false;
    };
  }, [editor, key]);
  return last?.key === key ? last.value : undefined;
}
