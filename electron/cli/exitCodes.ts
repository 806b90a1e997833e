/** The exit codes of the process. */
export const exitCodes = {
  done: 0,
  failed: 1,
  /** Bad usage, or a graph that cannot run. */
  invalid: 2,
  interrupted: 130,
} as const;
