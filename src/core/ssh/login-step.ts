/** What is found out on the way to a link, hop by hop, in this order: what `towline doctor` tells. */
export type LoginStep = {
  /** The hop, as faults name it. */
  readonly where: string;
} & (
  | {
      readonly step: 'reached';
      readonly how: string;
      /** The program that its ProxyCommand runs; null where there is none. */
      readonly command: string | null;
      readonly took: number;
    }
  | { readonly step: 'greeting'; readonly server: string }
  | { readonly step: 'algorithms'; readonly agreed: AgreedAlgorithms; readonly strict: boolean }
  | { readonly step: 'host key'; readonly fingerprint: string; readonly isNew: boolean }
  | {
      readonly step: 'identities';
      /** What the server was shown: type, fingerprint and source of each key, in order. */
      readonly offered: readonly string[];
      readonly rejected: readonly string[];
      /** Those that it may take, and for which there was no signature. */
      readonly unsigned: readonly string[];
      /** A sentence for each identity that was not shown. */
      readonly skipped: readonly string[];
      /** The methods that the server would take at the end; null when it never said. */
      readonly methods: readonly string[] | null;
      readonly entered: boolean;
    }
);

/** Names of the algorithms of a connection (RFC 4253 section 7.1). */
export interface AgreedAlgorithms {
  readonly kex: string;
  readonly hostKey: string;
  readonly cipher: string;
  readonly mac: string;
}
