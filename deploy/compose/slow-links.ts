/**
 * The distance between the regions of `compose.yaml`: a proxy for each region that dials another, which lets
 * everything pass and everything late.
 *
 *     node slow-links.ts 7312=eu-west-1:7103,40        listen on 7312, pass on to there, 40 ms each way
 *
 * The proxies are those of the chaos scenarios, so that what was delayed here was delayed as it is there.
 */
import { systemRandom } from "@atoll/core";
import { LinkProxy } from "../../chaos/network/link-proxy.ts";

const LINK = /^(\d+)=([a-z0-9.-]+):(\d+),(\d+)$/;
/** A tenth more or less is what a sea cable does. */
const JITTER_PART = 0.1;

for (const text of process.argv.slice(2)) {
  const [, port, host = "", targetPort, delay] = LINK.exec(text) ?? [];
  if (port === undefined) throw new Error(`${text}: expected PORT=HOST:PORT,MILLISECONDS`);
  const proxy = await LinkProxy.open({
    listen: { host: "0.0.0.0", port: Number(port) },
    targetHost: host,
    targetPort: Number(targetPort),
    random: systemRandom.fork(text),
  });
  const delayMs = Number(delay);
  for (const direction of ["out", "back"] as const) {
    proxy.impair(direction, { delayMs, jitterMs: delayMs * JITTER_PART });
  }
}
process.once("SIGTERM", () => process.exit(0));
