import type { Param, ParamValue } from '../../../nodes/params.ts';

/** A node's own params, with some changed. */
export function paramsOf<P extends Readonly<Record<string, Param>>>(
  node: { readonly params: P },
  changed: Partial<{ [Name in keyof P]: ParamValue<P[Name]> }>,
): { [Name in keyof P]: ParamValue<P[Name]> } {
  const initial = Object.fromEntries(Object.entries(node.params).map(([name, param]) => [name, param.initial]));
  return { ...initial, ...changed } as { [Name in keyof P]: ParamValue<P[Name]> };
}
