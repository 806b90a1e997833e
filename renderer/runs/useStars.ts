import { useCallback, useEffect, useState } from 'react';
import type { ImagePlace } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';

/** The images that the user likes. */
export function useStars() {
  const editor = useEditor();
  const [stars, setStars] = useState<ReadonlySet<string>>(new Set());
  const read = useCallback(async () => {
    const found = await editor.desktop.listStars();
    setStars(new Set((found ?? []).map(keyOf)));
  }, [editor]);
  useEffect(() => void attempt(editor, read), [editor, read]);
  const has = useCallback((image: ImagePlace) => stars.has(keyOf(image)), [stars]);
  const mark = async (images: readonly ImagePlace[], starred: boolean) => {
    await editor.desktop.markStars(
      images.map(({ folder, name }) => ({ folder, name })),
      starred,
    );
    await read();
  };
  return { has, mark };
}

function keyOf({ folder, name }: ImagePlace): string {
  return `${folder}/${name}`;
}
