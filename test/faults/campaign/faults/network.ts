import type { Fault as HttpFault } from "../../../fixtures/faulty-proxy.ts";
import type { StoreName } from "../../../stores/store.ts";
import type { Fault } from "../faults.ts";
import { anyMoment } from "../scene.ts";
import type { Wire } from "../wire.ts";
import { storeFailed } from "./process.ts";

/** Something happens to the connections with a store's server. */
function ofWire(name: string, harm: (wire: Wire) => void, leavesParts = false): Fault {
  return {
    name,
    network: "wire",
    fitsStore: (store) => hasServer(store),
    strike: async (scene) => {
      if (!(await anyMoment(scene)) || !scene.wire) return false;
      harm(scene.wire);
      return true;
    },
    leavesParts,
    exitCodes: storeFailed,
  };
}

/** The next requests meet with a fault. @param times how many at the most; as many as are drawn */
function ofRequests(
  name: string,
  fault: HttpFault,
  { times, leavesParts = false }: { times: number; leavesParts?: boolean },
): Fault {
  return {
    name,
    network: "http",
    fitsStore: speaksHttp,
    leavesParts,
    strike: async (scene) => {
      const { proxy } = scene;
      if (!(await anyMoment(scene)) || !proxy) return false;
      proxy.inject(fault, { times: 1 + scene.draw.random.below(times) });
      await scene.end;
      return proxy.hits() > 0;
    },
    exitCodes: storeFailed,
  };
}

/** FTP makes a connection of its own, to a port of its own, for each transfer. */
const hasServer = (store: StoreName): boolean => speaksHttp(store) || /sftp|smb/.test(store);

const speaksHttp = (store: StoreName): boolean => /s3|webdav|swift|azure/.test(store);

export const networkFaults: readonly Fault[] = [
  ofWire("connections to the store reset", (wire) => wire.cut()),
  ofWire("store goes away", (wire) => wire.vanish(), true),
  ofWire("store hangs", (wire) => wire.stall(), true),
  ofRequests("store answers 500", "500", { times: 3 }),
  ofRequests("store answers 503", "503", { times: 3 }),
  ofRequests("store answers 403 from now on", "403", { times: 1000, leavesParts: true }),
  ofRequests("store breaks off half-way", "reset half-way", { times: 1 }),
  ofRequests("answers are lost", "lost answer", { times: 2 }),
  ofRequests("store says yes and does nothing", "swallowed", { times: 2 }),
];
