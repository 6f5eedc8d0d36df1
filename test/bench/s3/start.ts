import { join } from "node:path";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { freePort, startServer } from "../../fixtures/process.ts";
import { s3Variables } from "../../fixtures/remote-variables.ts";
import type { StoreServer } from "../../fixtures/store-server.ts";

/** Starts the S3 server of server.ts, as the remote `store`, with an empty bucket `backups`. */
export async function startQuickS3(): Promise<StoreServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startServer({
    command: [process.execPath, join(import.meta.dirname, "server.ts"), String(port)],
    folder: temporaryFolder("quick-s3"),
    stopSignal: "SIGKILL",
    ready: () =>
      fetch(`${endpoint}/backups`, { method: "PUT" }).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  const through = (port: number): Record<string, string> => s3Variables("store", port);
  return { ...server, port, env: through(port), through };
}
