/** What the process tells its caller. */
export const exitCodes = {
  done: 0,
  failed: 1,
  /** Bad usage, or a graph that cannot run. */
  invalid: 2,
  interrupted: 130,
} as const;
