export async function checkToken(..._: unknown[]): Promise<void> {}
