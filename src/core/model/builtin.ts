/** A plugin that comes with towline, as the composition root registers it. */
export interface Builtin {
  /** Its module. */
  readonly url: string;
  /** Whether it is handed the daemon's whole environment: its options name variables, or it starts the user's own commands. */
  readonly wholeEnvironment: boolean;
}

/** The built-in plugins, by the name that a config uses. */
export type Builtins = Readonly<Record<string, Builtin>>;
