import { UserError } from '../../errors.ts';

/** Refuses a port whose rows are not as many as the images. Throws UserError `ROWS_DIFFER`. */
export function requireRows(images: number, rows: number, port: string): void {
  if (images === rows) return;
  throw new UserError(
    'ROWS_DIFFER',
    `There are ${images} images but ${rows} rows of ${port}; connect the ${port} of these very images.`,
    { at: { port } },
  );
}
