export async function probeBackend(..._: unknown[]): Promise<void> {}
