/** Where an etcd is and how to be let in; read by open.ts, used by both etcd homes. */

export interface EtcdSettings {
  /** `http://HOST:PORT` or `https://HOST:PORT`, one scheme for all; at least one. */
  readonly endpoints: readonly string[];
  /** PEM texts. For https; an absent `ca` means the system's authorities. `cert` and `key` come together. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** Both or neither. */
  readonly username?: string;
  readonly password?: string;
}
