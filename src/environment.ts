/** Environment variables, of this program or of one that it runs. */
export type Environment = Readonly<Record<string, string | undefined>>;
