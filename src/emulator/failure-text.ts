/**
 * What the log says of a failure that nobody foresaw. An error of the JSON parser quotes what it could not read, which is content of
 * somebody's items, and the log holds none.
 */
export function failureText(error: unknown): string {
  if (error instanceof SyntaxError) return 'what is stored cannot be read: the data file is damaged';
  return error instanceof Error ? error.message : String(error);
}
