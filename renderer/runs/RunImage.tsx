import { useObjectUrl } from '../controls/Image.tsx';
import { useRead } from '../state/useRead.ts';

interface RunImageProps {
  readonly folder: string;
  readonly name: string;
  readonly alt: string;
}

/** An image of a run folder, read when it is shown. */
export function RunImage({ folder, name, alt }: RunImageProps) {
  const bytes = useRead(`${folder}/${name}`, (desktop) => desktop.readRunFile(folder, name));
  const url = useObjectUrl(bytes, name.endsWith('.svg') ? 'image/svg+xml' : 'image/png');
  return url ? <img src={url} alt={alt} draggable={false} /> : <span className="loading" />;
}
