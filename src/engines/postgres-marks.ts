import type { DumpFormat, Marks } from "./engine.ts";

/**
 * How complete dumps begin and end. Newer programs close SQL with `\unrestrict`. The custom format ends in data: see
 * pg_backup_custom.c for its magic, pg_backup_tar.c for the first member's name.
 */
export const marks: Record<DumpFormat | "cluster", Marks> = {
  sql: { beginning: /^--/, ending: /\n-- PostgreSQL database dump complete\n--\s*(\\unrestrict \w+\s*)?$/ },
  cluster: {
    beginning: /^--/,
    ending: /\n-- PostgreSQL database cluster dump complete\n--\s*(\\unrestrict \w+\s*)?$/,
  },
  custom: { beginning: /^PGDMP/ },
  tar: { beginning: /^toc\.dat\0/, ending: /\0{1024}$/ },
};
