/** The system's name for what went wrong, such as EACCES; an error that has none in its own words. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
