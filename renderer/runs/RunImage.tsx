import { useEffect, useState } from 'react';
import { useObjectUrl } from '../controls/Image.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';

interface RunImageProps {
  readonly folder: string;
  readonly name: string;
  readonly alt: string;
  readonly className?: string;
}

/** An image of a run folder, read when it is shown. */
export function RunImage({ folder, name, alt, className }: RunImageProps) {
  const url = useObjectUrl(useRunFile(folder, name), name.endsWith('.svg') ? 'image/svg+xml' : 'image/png');
  return url ? <img className={className} src={url} alt={alt} draggable={false} /> : <span className="loading" />;
}

/** The bytes of a file of a run folder; undefined until they are there. */
function useRunFile(folder: string, name: string | undefined): Uint8Array | undefined {
  const editor = useEditor();
  const [bytes, setBytes] = useState<Uint8Array>();
  useEffect(() => {
    let here = true;
    setBytes(undefined);
    if (name !== undefined) {
      void attempt(editor, async () => {
        const read = await editor.desktop.readRunFile(folder, name);
        if (here) setBytes(read);
      });
    }
    return () => {
      here = false;
    };
  }, [editor, folder, name]);
  return bytes;
}
