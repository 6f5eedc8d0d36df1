import type { Freshness } from "./freshness.ts";

const labelNames = ["database", "server", "engine", "scope"] as const;

/** The state of the backups in the OpenMetrics text format, https://prometheus.io/docs/specs/om/open_metrics_spec/. */
export async function toOpenMetrics(judged: readonly Freshness[]): Promise<string> {
  // Loaded here alone: a backup need not wait for it.
  const { Gauge, Registry } = await import("prom-client");
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const gauge = (name: string, help: string, read: (freshness: Freshness) => number | undefined): void => {
    const metric = new Gauge({ name: `rcdump_${name}`, help, labelNames, registers: [registry] });
    for (const freshness of judged) {
      const value = read(freshness);
      if (value !== undefined) metric.set(labelsOf(freshness), value);
    }
  };
  gauge("last_backup_timestamp_seconds", "When the newest backup began.", ({ newest }) =>
    newest === undefined ? undefined : newest.startedAt.getTime() / 1000,
  );
  gauge("last_backup_duration_seconds", "How long it took.", ({ newest }) =>
    newest === undefined
      ? undefined
      : (Date.parse(newest.manifest.finished) - newest.startedAt.getTime()) / 1000,
  );
  gauge(
    "last_backup_plain_bytes",
    "Its size before compression.",
    ({ newest }) => newest?.manifest.plain.bytes,
  );
  gauge("last_backup_stored_bytes", "Its size in the store.", ({ newest }) => newest?.manifest.stored.bytes);
  gauge("backups", "How many backups there are.", ({ count }) => count);
  gauge("stale", "1 if the newest backup is older than --max-age, or there is none.", ({ isStale }) =>
    Number(isStale),
  );
  gauge("shrunk", "1 if the newest backup is less than half as large as the one before.", ({ hasShrunk }) =>
    Number(hasShrunk),
  );
  return registry.metrics();
}

function labelsOf({ subject, scope, sample }: Freshness): Record<(typeof labelNames)[number], string> {
  if (!sample) return { database: scope === "database" ? subject : "", server: "", engine: "", scope };
  const { engine, database, server } = sample;
  return { database: database ?? "", server: `${server.host}:${server.port}`, engine, scope };
}
