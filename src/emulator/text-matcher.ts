/** Which texts a fault means: all of them, those that hold some words, or those that match `/expression/`. */
export function textMatcher(pattern: string | undefined): (text: string) => boolean {
  if (pattern === undefined) return () => true;
  const expression = /^\/(.+)\/([a-z]*)$/s.exec(pattern);
  if (expression === null) return (text) => text.includes(pattern);
  const [, source = '', flags = ''] = expression;
  const compiled = new RegExp(source, flags.replace(/[gy]/g, ''));
  return (text) => compiled.test(text);
}
