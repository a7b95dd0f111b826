/**
 * The certificate that this region shows on its links, for as long as the process lives.
 *
 * Two things must not need a restart or a surprise: a rotated file is taken into use by itself, and an
 * end that nobody rotates for is told long before. The files are looked at once a minute: no signal
 * has to reach the process, whatever replaced them (the command, a mounted secret, a copy). What cannot
 * be used, or was met half-way through being replaced, is told and not taken; the one in use stays.
 */
import type { Clock, Log, Region, Timer } from "@atoll/core";
import { AtollError, limits } from "@atoll/core";
import type { LinkTls } from "@atoll/sync";
import type { TlsFiles, TlsPaths, TlsTexts } from "./tls-files.ts";
import { judgeTlsTexts, readTlsTexts } from "./tls-files.ts";

export interface LinkCertificateOptions {
  readonly paths: TlsPaths;
  readonly clusterId: string;
  readonly region: Region;
  readonly clock: Clock;
  readonly log: Log;
}

const DAY_MS = 86_400_000;

export class LinkCertificate {
  readonly #options: LinkCertificateOptions;
  #inUse: TlsFiles;
  #timer: Timer | undefined;
  #renewed: (tls: LinkTls) => void = () => undefined;
  /** What was told last, so that a minute's look repeats nothing. */
  #toldFaults = "";
  #toldExpiry: string | undefined;

  /** Throws `config-invalid`. */
  constructor(options: LinkCertificateOptions) {
    this.#options = options;
    this.#inUse = this.#judge(readTlsTexts(options.paths));
    const { faults } = this.#inUse;
    if (faults.length > 0) {
      throw new AtollError("config-invalid", "The certificate of this region cannot be used", {
        faults: faults.map(({ file, detail }) => ({
          pointer: `/tls/${file}`,
          detail,
          code: "invalid-value",
        })),
      });
    }
  }

  get tls(): LinkTls {
    return this.#inUse.tls;
  }

  /** When the certificate in use, or the CA above it, ends: for status and for a metric. */
  get notAfterMs(): number {
    return this.#inUse.notAfterMs;
  }

  /** Whole days; negative when it has ended. */
  get daysLeft(): number {
    return daysLeft(this.notAfterMs, this.#options.clock.nowMs());
  }

  status(): { readonly notAfter: string; readonly daysLeft: number } {
    return { notAfter: new Date(this.notAfterMs).toISOString(), daysLeft: this.daysLeft };
  }

  /** Looks now, and every minute from now on. `renewed` is told each certificate to be used instead. */
  start(renewed: (tls: LinkTls) => void): void {
    this.#renewed = renewed;
    this.#look();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#renew();
    this.#tellExpiry();
    this.#timer = this.#options.clock.after(limits.CERTIFICATE_CHECK_MS, () => this.#look());
  }

  #judge(texts: TlsTexts): TlsFiles {
    const { paths, clusterId, region, clock } = this.#options;
    const owner = { clusterId, region: region.name };
    return judgeTlsTexts(texts, { paths, owner, nowMs: clock.nowMs() });
  }

  #renew(): void {
    const { log, paths } = this.#options;
    const texts = readTlsTexts(paths);
    if (isSame(texts, this.#inUse.tls)) {
      this.#toldFaults = "";
      return;
    }
    const found = this.#judge(texts);
    const faults = found.faults.map(({ file, detail }) => `tls.${file}: ${detail}`);
    if (faults.length > 0) {
      if (faults.join() !== this.#toldFaults) log.warn("certificate-not-renewed", { faults });
      this.#toldFaults = faults.join();
      return;
    }
    this.#inUse = found;
    this.#toldFaults = "";
    this.#toldExpiry = undefined;
    this.#renewed(found.tls);
    log.info("certificate-renewed", this.status());
  }

  #tellExpiry(): void {
    const { log, clock } = this.#options;
    const warning = expiryWarning(this.notAfterMs, clock.nowMs());
    if (warning?.mark === this.#toldExpiry) return;
    this.#toldExpiry = warning?.mark;
    if (warning !== undefined) log[warning.level](warning.event, this.status());
  }
}

/** What to say of a certificate that ends then; once for each `mark`. */
export function expiryWarning(notAfterMs: number, nowMs: number) {
  const left = daysLeft(notAfterMs, nowMs);
  if (nowMs >= notAfterMs) {
    return { level: "error", event: "certificate-expired", mark: `expired ${left}` } as const;
  }
  const bound = limits.CERTIFICATE_WARN_DAYS.findLast((days) => left < days);
  if (bound === undefined) return undefined;
  const isLast = bound === limits.CERTIFICATE_WARN_DAYS.at(-1);
  const mark = isLast ? `${left}` : `within ${bound}`;
  return { level: "warn", event: "certificate-expires", mark } as const;
}

function daysLeft(notAfterMs: number, nowMs: number): number {
  return Math.floor((notAfterMs - nowMs) / DAY_MS);
}

function isSame(texts: TlsTexts, tls: LinkTls): boolean {
  return texts.ca === tls.ca && texts.cert === tls.cert && texts.key === tls.key;
}
