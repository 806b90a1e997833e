import { GraphError } from '../../errors.ts';

/** Refuses rows of a port that are not as many as the pictures. Throws GraphError `ROWS_DIFFER`. */
export function requireRows(pictures: number, rows: number, port: string): void {
  if (pictures === rows) return;
  throw new GraphError(
    'ROWS_DIFFER',
    `There are ${pictures} pictures but ${rows} rows of ${port}; connect the ${port} of these very pictures.`,
    { at: { port } },
  );
}
