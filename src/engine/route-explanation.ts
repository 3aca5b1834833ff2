/** Why routes go the way they go, as `calico-rr explain route` shows it; and JSON of the same shape with `-o json`. */

export interface ExplainedAttributes {
  readonly nextHop: string;
  readonly asPath: string;
  readonly localPref: number | null;
  readonly med: number | null;
  readonly originatorId: string | null;
  readonly clusterList: readonly string[];
  readonly communities: readonly string[];
}

export interface ExplainedRoute {
  /** Name of the session that told it. */
  readonly session: string;
  /** Its number where the peer tells several paths (RFC 7911); null: it tells one. */
  readonly pathId: number | null;
  readonly state: 'fresh' | 'stale' | 'long-lived-stale';
  /** `used`; or what the used one has before it (docs/engine.md lists the steps); or that policy rejected it. */
  readonly verdict: string;
  /** Number of the deciding step; null for what is used or rejected. */
  readonly step: number | null;
  readonly attributes: ExplainedAttributes;
}

export interface RouteExplanation {
  readonly prefix: string;
  /** The one that is used first. */
  readonly routes: readonly ExplainedRoute[];
  /** What was told, by group of sessions that are told the same. Sessions that are behind will be told. */
  readonly told: readonly {
    readonly sessions: readonly string[];
    /** Ours, where these take several paths; null: they are told one. */
    readonly pathId: number | null;
    readonly attributes: ExplainedAttributes;
  }[];
}
