export async function runBackups(_env: NodeJS.ProcessEnv): Promise<number> {
  return 0;
}
