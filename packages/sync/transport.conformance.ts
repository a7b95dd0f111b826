// What every transport keeps: whole frames, in order, one `linkDown` for every link. Run against the
// WebSockets and against the network in memory, so that what a simulator proves holds on the wire.
import { describe, expect, test } from "vitest";
import { must } from "@atoll/core";
import type { LinkId, Transport } from "./transport.ts";

export interface TransportPair {
  readonly dialler: Transport;
  readonly listener: Transport;
  /** Where the listener listens. */
  readonly url: string;
  /** Where nobody does. */
  readonly deadUrl: string;
  /** Lets time pass, or waits for it, until the condition holds. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Keeps what a handler was told, in order. */
export class Recorder {
  readonly ups: { readonly link: LinkId; readonly dialled: boolean }[] = [];
  /** Whom each link proved its peer to be, in the order of `ups`. */
  readonly identities: (string | undefined)[] = [];
  readonly frames: { readonly link: LinkId; readonly bytes: Uint8Array }[] = [];
  readonly downs: { readonly link: LinkId; readonly reason: string }[] = [];

  linkUp(link: LinkId, dialled: boolean, identity?: string): void {
    this.ups.push({ link, dialled });
    this.identities.push(identity);
  }
  frame(link: LinkId, bytes: Uint8Array): void {
    this.frames.push({ link, bytes: new Uint8Array(bytes) });
  }
  linkDown(link: LinkId, reason: string): void {
    this.downs.push({ link, reason });
  }
}

export function transportConformance(name: string, open: () => Promise<TransportPair>): void {
  describe(`${name} keeps the transport contract`, () => {
    async function withPair(
      run: (context: TransportPair & { here: Recorder; there: Recorder }) => Promise<void>,
    ): Promise<void> {
      const pair = await open();
      const here = new Recorder();
      const there = new Recorder();
      pair.dialler.attach(here);
      pair.listener.attach(there);
      try {
        await run({ ...pair, here, there });
      } finally {
        await pair.close();
      }
    }

    test("a link comes up on both sides, each knowing who dialled", () =>
      withPair(async ({ dialler, url, until, here, there }) => {
        const link = dialler.dial(url);
        expect(here.ups).toEqual([]); // never before dial returns
        await until("up", () => here.ups.length === 1 && there.ups.length === 1);
        expect(here.ups).toEqual([{ link, dialled: true }]);
        expect(there.ups[0]?.dialled).toBe(false);
      }));

    test("frames arrive whole, in order and unchanged, both ways", () =>
      withPair(async ({ dialler, listener, url, until, here, there }) => {
        const link = dialler.dial(url);
        await until("up", () => here.ups.length === 1 && there.ups.length === 1);
        const sizes = [1, 0, 65_536, 3, 1_000_000, 2];
        const frames = sizes.map((size, i) => new Uint8Array(size).fill(i));
        for (const frame of frames) dialler.send(link, frame);
        for (const frame of frames) listener.send(must(there.ups[0], "link").link, frame);
        const all = (recorder: Recorder) => recorder.frames.length === frames.length;
        await until("frames", () => all(here) && all(there));
        for (const recorder of [here, there]) {
          expect(recorder.frames.map(({ bytes }) => bytes.length)).toEqual(sizes);
          expect(recorder.frames.map(({ bytes }) => bytes[0])).toEqual(frames.map((f) => f[0]));
        }
      }));

    test("what was sent before a close arrives, and both sides are told once", () =>
      withPair(async ({ dialler, url, until, here, there }) => {
        const link = dialler.dial(url);
        await until("up", () => here.ups.length === 1 && there.ups.length === 1);
        dialler.send(link, Uint8Array.of(7));
        dialler.close(link, "enough");
        dialler.close(link, "enough");
        await until("down", () => here.downs.length > 0 && there.downs.length > 0);
        expect(there.frames.map(({ bytes }) => [...bytes])).toEqual([[7]]);
        expect(there.downs[0]?.reason).toContain("enough");
        expect([here.downs.length, there.downs.length]).toEqual([1, 1]);
        dialler.send(link, Uint8Array.of(8)); // ignored
        expect(dialler.backlogBytes(link)).toBe(0);
      }));

    test("an address where nobody listens ends in linkDown", () =>
      withPair(async ({ dialler, deadUrl, until, here }) => {
        const link = dialler.dial(deadUrl);
        expect(here.downs).toEqual([]);
        await until("down", () => here.downs.length === 1);
        expect(here.downs[0]?.link).toBe(link);
        expect(here.ups).toEqual([]);
      }));

    test("a side that stops takes its links down at the other", () =>
      withPair(async ({ dialler, listener, url, until, here, there }) => {
        dialler.dial(url);
        await until("up", () => here.ups.length === 1 && there.ups.length === 1);
        await listener.stop();
        await until("down", () => here.downs.length === 1);
      }));
  });
}
