/**
 * One server of the HTTP benches, as a process of its own: a region, or the bare `node:http` server that it
 * is measured against. A bare one loads nothing of the house: it would start as slowly as a region.
 */
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, errorText, must } from "@atoll/core";
import { CpuSampler } from "./cpu-profile.ts";
import type { BarePlan, FromServer, PouchPlan, ServerPlan, ToServer } from "./http-messages.ts";
import type { Served } from "./http-region.ts";

const plan = JSON.parse(must(process.argv[2], "a plan")) as Exclude<ServerPlan, PouchPlan>;

process.on("disconnect", () => process.exit(1)); // whoever asked is gone

if (plan.kind === "bare") {
  send({ kind: "listening", peerPort: 0 });
  hear(() => Promise.resolve({ server: createServer(bare(plan)), stop: () => Promise.resolve() }));
} else {
  const { listenAsRegion } = await import("./http-region.ts");
  const { peerPort, serve } = await listenAsRegion(plan);
  send({ kind: "listening", peerPort });
  hear(serve);
}

function hear(start: (portByRegion: Readonly<Record<string, number>>) => Promise<Served>): void {
  let served: Served | undefined;
  let sampler: CpuSampler | undefined;
  const answer = async (asked: ToServer): Promise<void> => {
    switch (asked.kind) {
      case "peers":
        served = await start(asked.portByRegion);
        return send({ kind: "ready", port: await listening(served.server) });
      case "usage": {
        const [all, main] = [process.cpuUsage(), process.threadCpuUsage()];
        return send({
          ...{ kind: "usage", micros: all.user + all.system },
          mainMicros: main.user + main.system,
          residentBytes: process.memoryUsage.rss(),
        });
      }
      case "sample":
        sampler = new CpuSampler();
        return;
      case "profile": {
        const profile = must(sampler, "samples were asked for").stop();
        sampler?.close();
        return send({ kind: "profile", profile });
      }
      case "stop":
        served?.server.close();
        served?.server.closeAllConnections();
        await served?.stop();
        return process.disconnect();
    }
  };
  process.on("message", (message) => {
    answer(message as ToServer).catch((error: unknown) => {
      process.stderr.write(`${plan.kind}: ${errorText(error)}\n`);
      process.exit(1);
    });
  });
}

/** Reads a body to its end, if there is one, and sends the same bytes to everybody who asks in the same way. */
function bare({ body, posted = body }: BarePlan): RequestListener {
  const headersOf = (text: string): Record<string, string | number> => ({
    ...{ "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) },
  });
  const [headers, postedHeaders] = [headersOf(body), headersOf(posted)];
  return (request, response) => {
    const isPost = request.method === "POST";
    const answer = (): void => {
      response.writeHead(200, isPost ? postedHeaders : headers);
      response.end(isPost ? posted : body);
    };
    if (request.method === "GET") return answer();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      assert(Buffer.concat(chunks).length > 0, "a body was sent");
      answer();
    });
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function send(message: FromServer): void {
  process.send?.(message);
}
