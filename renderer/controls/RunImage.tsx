import { useRead } from '../state/useRead.ts';
import type { ViewedImage } from '../state/viewedImages.ts';
import { Image, useObjectUrl } from './Image.tsx';

interface RunImageProps {
  readonly image: Pick<ViewedImage, 'folder' | 'name' | 'bytes'>;
  readonly alt: string;
}

/** An image of a run, read when it is shown. */
export function RunImage({ image: { folder, name, bytes }, alt }: RunImageProps) {
  if (bytes) return <Image bytes={bytes} mime={mimeOf(name)} alt={alt} />;
  return folder === undefined ? null : <ReadImage folder={folder} name={name} alt={alt} />;
}

function ReadImage({ folder, name, alt }: { folder: string; name: string; alt: string }) {
  const bytes = useRead(`${folder}/${name}`, (desktop) => desktop.readRunFile(folder, name));
  const url = useObjectUrl(bytes, mimeOf(name));
  return url ? <img src={url} alt={alt} draggable={false} /> : <span className="loading" />;
}

function mimeOf(name: string): string {
  return name.endsWith('.svg') ? 'image/svg+xml' : 'image/png';
}
