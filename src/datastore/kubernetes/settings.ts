/**
 * Where a Kubernetes API server is and how to be let in: the result of reading a kubeconfig, a service account's
 * folder and Calico's K8S_* variables. Files are named, not read: what rotates is read anew when it is needed.
 */

/** PEM text that stands in a file, or was given whole. */
export type Pem = { readonly file: string } | { readonly text: string };

/** A program that prints credentials (client.authentication.k8s.io/v1 and v1beta1, ExecCredential). */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly provideClusterInfo: boolean;
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  readonly installHint?: string;
  /** Relative commands with a slash start at the kubeconfig's folder. */
  readonly folder: string;
}

export type Identity =
  | { readonly by: 'nothing' }
  | { readonly by: 'token'; readonly token: string }
  /** Read anew when it is a minute old and when the server refuses it. */
  | { readonly by: 'token-file'; readonly file: string }
  | { readonly by: 'password'; readonly username: string; readonly password: string }
  | { readonly by: 'exec'; readonly plugin: ExecPlugin };

export type CalicoApiGroup = 'crd.projectcalico.org/v1' | 'projectcalico.org/v3';

export interface KubernetesSettings {
  /** `https://HOST:PORT[/PATH]`, without a slash at the end. */
  readonly server: string;
  /** For a person: where these settings come from. */
  readonly origin: string;
  readonly ca?: Pem;
  /** The name in the server's certificate where it is not the host of `server`. */
  readonly serverName?: string;
  readonly insecureSkipTlsVerify: boolean;
  /** `http://` or `https://`; absent: HTTPS_PROXY, HTTP_PROXY and NO_PROXY decide. */
  readonly proxyUrl?: string;
  readonly identity: Identity;
  readonly clientCertificate?: { readonly cert: Pem; readonly key: Pem };
  /** Act as somebody else, where the server lets us. */
  readonly impersonate?: {
    readonly user: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
  /** Absent: asked of the server. */
  readonly calicoApiGroup?: CalicoApiGroup;
  /** Blocks are the nodes' pod CIDRs (host-local IPAM) and not BlockAffinities. */
  readonly usePodCidr: boolean;
  /** How long to wait for what; for tests. */
  readonly patience?: Partial<Patience>;
}

/** Milliseconds. */
export interface Patience {
  /** For the head of an answer. A list that etcd stalls hangs for a minute before the server gives up. */
  readonly answer: number;
  /** Between two pieces of a list. */
  readonly piece: number;
  /** In a watch. The server sends a bookmark about once a minute. */
  readonly silence: number;
  /** How long a watch lasts at most; the server ends it. */
  readonly watch: number;
  /** Before a kind is tried again that the server does not have, or does not let us see. */
  readonly refused: number;
}

export const PATIENCE: Patience = {
  answer: 30_000,
  piece: 30_000,
  silence: 130_000,
  watch: 480_000,
  refused: 30_000,
};
