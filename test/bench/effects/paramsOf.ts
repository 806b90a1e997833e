import { type Param, type ParamValue, parseParam } from '../../../nodes/params.ts';

/** A node's own params, with some changed. */
export function paramsOf<P extends Readonly<Record<string, Param>>>(
  node: { readonly params: P },
  changed: Partial<{ [Name in keyof P]: ParamValue<P[Name]> }>,
): { [Name in keyof P]: ParamValue<P[Name]> } {
  const initial = Object.fromEntries(Object.entries(node.params).map(([name, param]) => [name, param.initial]));
  return { ...initial, ...changed } as { [Name in keyof P]: ParamValue<P[Name]> };
}

/** The params that a text changes: `name=value,name=value`. Throws an Error that names a param that there is not. */
export function changedParams<P extends Readonly<Record<string, Param>>>(
  node: { readonly type: string; readonly params: P },
  text: string,
): Partial<{ [Name in keyof P]: ParamValue<P[Name]> }> {
  const pairs = (text ? text.split(',') : []).map((pair): [string, string] => {
    const [name, ...value] = pair.split('=');
    return [name!, value.join('=')];
  });
  const unknown = pairs.find(([name]) => !node.params[name]);
  if (unknown) throw new Error(`"${node.type}" has no param "${unknown[0]}".`);
  return Object.fromEntries(pairs.map(([name, value]) => [name, parseParam(node.params[name]!, value)])) as Partial<{
    [Name in keyof P]: ParamValue<P[Name]>;
  }>;
}
