/** The part of cli-progress that is used here; the package brings no types. */
declare module "cli-progress" {
  import type { Writable } from "node:stream";

  export interface SingleBarOptions {
    readonly format: string;
    readonly stream: Writable;
    readonly hideCursor: boolean;
    readonly clearOnComplete: boolean;
    readonly fps: number;
  }

  export class SingleBar {
    constructor(options: Partial<SingleBarOptions>, preset?: unknown);
    start(total: number, value: number, payload?: Readonly<Record<string, unknown>>): void;
    update(value: number, payload?: Readonly<Record<string, unknown>>): void;
    setTotal(total: number): void;
    stop(): void;
  }

  export const Presets: Readonly<Record<"shades_classic" | "shades_grey" | "rect", unknown>>;

  const library: { readonly SingleBar: typeof SingleBar; readonly Presets: typeof Presets };
  export default library;
}
