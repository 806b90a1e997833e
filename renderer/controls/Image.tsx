import { useEffect, useRef, useState } from 'react';
import type { Preview } from '../../nodes/ports.ts';

interface ImageProps {
  readonly bytes: Uint8Array;
  readonly alt: string;
  readonly className?: string;
  readonly mime?: string;
}

/** An image from the bytes of its file. */
export function Image({ bytes, alt, className, mime = 'image/png' }: ImageProps) {
  const url = useObjectUrl(bytes, mime);
  return url ? <img className={className} src={url} alt={alt} draggable={false} /> : null;
}

/** An object URL for bytes, revoked when the component unmounts. */
export function useObjectUrl(bytes: Uint8Array | undefined, mime: string): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!bytes) return;
    const made = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: mime }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, mime]);
  return url;
}

/** A small image of work in progress. */
export function PreviewImage({ preview }: { preview: Preview }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const { width, height, rgb } = preview;
    const image = context.createImageData(width, height);
    for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
      image.data[to] = rgb[from]!;
      image.data[to + 1] = rgb[from + 1]!;
      image.data[to + 2] = rgb[from + 2]!;
      image.data[to + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [preview]);
  return <canvas ref={canvas} className="preview" width={preview.width} height={preview.height} aria-hidden />;
}
