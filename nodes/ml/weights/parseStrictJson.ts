/**
 * JSON.parse for headers of untrusted files: besides bad syntax it refuses a name that occurs twice in one object and
 * numbers that are not plain whole numbers (both would be read differently by other programs). Throws SyntaxError.
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const scopes: Set<string>[] = [];
  let lastText = '';
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}:]|-?\d[\d.eE+-]*/g)) {
    if (token === '{') scopes.push(new Set());
    else if (token === '}') scopes.pop();
    else if (token === ':') {
      const name = JSON.parse(lastText) as string;
      const scope = scopes.at(-1);
      if (scope?.has(name)) throw new SyntaxError(`the name "${name}" occurs twice`);
      scope?.add(name);
    } else if (token.startsWith('"')) lastText = token;
    else if (!/^\d+$/.test(token)) throw new SyntaxError(`${token} is not a whole number`);
  }
  return value;
}
