/** `atoll certs`: the CA and the certificates with which regions know each other on their links. */
import { isIP } from "node:net";
import Table from "cli-table3";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { RegionName } from "@atoll/core";
import { limits, parseRegionName, systemClock, systemRandom } from "@atoll/core";
import type { Issued, ShownCertificate } from "../certs.ts";
import type { CommandContext } from "../command-context.ts";
import { wholeNumber } from "../command-context.ts";
import { EXIT } from "../exit-code.ts";
import type { OutputOption } from "../output.ts";
import { outputOption, printData } from "../output.ts";

interface DirectoryOption {
  readonly dir: string;
}

interface IssueOptions extends DirectoryOption {
  readonly region: RegionName;
  readonly host?: readonly string[];
  readonly days: number;
}

interface RotateOptions extends DirectoryOption {
  readonly region?: readonly RegionName[];
  readonly host?: readonly string[];
  readonly days: number;
  readonly ca?: true;
  readonly retireCa?: true;
}

const MAKING = { clock: systemClock, random: systemRandom };
const WITHIN_A_MINUTE = "it is in use there within a minute, without a restart";

export function addCertsCommand(program: Command, context: CommandContext): void {
  const certs = program
    .command("certs")
    .description("make, renew and show the certificates of links between regions");
  addInit(certs, context);
  addIssue(certs, context);
  addRotate(certs, context);
  addShow(certs, context);
}

function addInit(certs: Command, { terminal }: CommandContext): void {
  certs
    .command("init")
    .description("make a CA for a cluster; refuses to overwrite one")
    .requiredOption(
      "--cluster <id>",
      "the cluster's id, as in cluster.id of every region",
      notEmpty,
    )
    .addOption(directoryOption())
    .action(async ({ cluster, dir }: DirectoryOption & { readonly cluster: string }) => {
      const { initCerts, day } = await import("../certs.ts");
      const { notAfter } = await initCerts(dir, cluster, MAKING);
      terminal.tell(`${dir}/ca.crt is the CA of cluster ${cluster}, until ${day(notAfter)}.`);
      terminal.tell(`${dir}/ca.key signs regions. No region needs it: keep it to yourself.`);
      terminal.tell(`Next, for each region: atoll certs issue --region NAME${dirText(dir)}`);
    });
}

function addIssue(certs: Command, { terminal }: CommandContext): void {
  certs
    .command("issue")
    .description("make the first certificate of a region")
    .requiredOption("--region <name>", "the region's name", regionName)
    .option("--host <name>", "a DNS name or address of it, for other tools; may repeat", hosts)
    .addOption(daysOption())
    .addOption(directoryOption())
    .action(async ({ region, host = [], days, dir }: IssueOptions) => {
      const { issueCert, day } = await import("../certs.ts");
      const issued = await issueCert(dir, { region, hosts: host, days }, MAKING);
      const { files, notAfter } = issued;
      terminal.tell(
        `${files.directory} holds the certificate of ${region}, until ${day(notAfter)}.`,
      );
      terminal.tell("Next: copy that directory to the region, and tell its configuration:");
      terminal.print(configText(issued));
    });
}

function addRotate(certs: Command, { terminal }: CommandContext): void {
  certs
    .command("rotate")
    .description("renew the certificates of all regions here, or exchange the CA step by step")
    .option("--region <name>", "only this region; may repeat", regionNames)
    .option("--host <name>", "instead of the hosts in the certificate before; may repeat", hosts)
    .addOption(daysOption())
    .addOption(
      new Option(
        "--ca",
        "make a new CA that signs from now on; the old one stays trusted",
      ).conflicts(["region", "host", "retireCa"]),
    )
    .addOption(
      new Option("--retire-ca", "trust no CA but the one that signs").conflicts(["region", "host"]),
    )
    .addOption(directoryOption())
    .action(async ({ region = [], host, days, ca, retireCa, dir }: RotateOptions) => {
      const { rotateAuthority, rotateCerts, retireAuthorities, day } = await import("../certs.ts");
      const here = dirText(dir);
      if (ca === true) {
        const { notAfter, trusted } = await rotateAuthority(dir, MAKING);
        terminal.tell(
          `A new CA signs from now on, until ${day(notAfter)}; ${trusted} are trusted.`,
        );
        terminal.tell(`Next, in this order, or links break:`);
        terminal.tell(`  1. copy ${dir}/REGION/ca.crt to every region; ${WITHIN_A_MINUTE}`);
        terminal.tell(`  2. atoll certs rotate${here}, and copy each directory to its region`);
        terminal.tell(`  3. atoll certs rotate --retire-ca${here}, and copy each ca.crt again`);
      } else if (retireCa === true) {
        const retired = retireAuthorities(dir);
        terminal.tell(
          `${retired === 0 ? "There was no older CA" : `${retired} retired`}; one CA is trusted.`,
        );
        terminal.tell(`Next: copy ${dir}/REGION/ca.crt to every region; ${WITHIN_A_MINUTE}.`);
      } else {
        const issued = await rotateCerts(dir, { regions: region, hosts: host, days }, MAKING);
        for (const one of issued) {
          terminal.tell(`${one.region} has a new certificate, until ${day(one.notAfter)}.`);
        }
        terminal.tell(`Next: copy ${dir}/REGION to each region; ${WITHIN_A_MINUTE}.`);
      }
    });
}

function addShow(certs: Command, { terminal, end }: CommandContext): void {
  certs
    .command("show")
    .description("show what is here and how long it lasts; exit code 3 when something has expired")
    .addOption(outputOption())
    .addOption(directoryOption())
    .action(async ({ dir, output }: DirectoryOption & OutputOption) => {
      const { showCerts } = await import("../certs.ts");
      const certificates = showCerts(dir, systemClock.nowMs());
      if (output === "table") terminal.print(tableText(certificates));
      else printData(terminal, output, { certificates }, certificates);
      const expired = certificates.filter(({ daysLeft }) => daysLeft < 0);
      for (const { of } of expired) {
        const mend = of === "CA" ? "rotate --ca" : `rotate --region ${of}`;
        terminal.tell(`atoll: ${of} has expired. Next: atoll certs ${mend}${dirText(dir)}`);
      }
      if (expired.length > 0) end(EXIT.unhealthy);
    });
}

function tableText(certificates: readonly ShownCertificate[]): string {
  const table = new Table({
    head: ["of", "subject", "names", "until", "days left", ""],
    style: { head: [], border: [] },
  });
  for (const { of, subject, names, notAfter, daysLeft, remark } of certificates) {
    table.push([of, subject, names.join("\n"), notAfter.slice(0, 10), daysLeft, remark]);
  }
  return table.toString();
}

/** As in the region's file; the paths are those of here. */
function configText({ files: { ca, cert, key } }: Issued): string {
  return ["tls:", `  ca: ${ca}`, `  cert: ${cert}`, `  key: ${key}`].join("\n");
}

function directoryOption(): Option {
  return new Option("--dir <dir>", "where the CA and the certificates are kept").default("certs");
}

function daysOption(): Option {
  return new Option("--days <n>", "how long it is valid")
    .default(limits.CERTIFICATE_DAYS_DEFAULT)
    .argParser(wholeNumber({ min: 1, max: limits.CERTIFICATE_DAYS_MAX }));
}

function dirText(dir: string): string {
  return dir === "certs" ? "" : ` --dir ${dir}`;
}

function notEmpty(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("Expected a name.");
}

function regionName(text: string): RegionName {
  const name = parseRegionName(text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError("Expected lower-case letters, digits and hyphens.");
}

function regionNames(text: string, earlier: readonly RegionName[] = []): RegionName[] {
  return [...earlier, regionName(text)];
}

function hosts(text: string, earlier: readonly string[] = []): string[] {
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text);
  if (isName || isIP(text) !== 0) return [...earlier, text];
  throw new InvalidArgumentError("Expected a DNS name or an address, without a port.");
}
