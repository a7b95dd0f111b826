/**
 * What a failed `listen` means to an operator: which address, which key of the configuration, and what
 * to do.
 */
import { AtollError, errorText, isAtollError } from "@atoll/core";
import type { Address } from "./address.ts";
import { addressText } from "./address.ts";
import { toPointer } from "./config-schema.ts";
import { portOwnerText } from "./port-owner.ts";

/** `key`: the configuration key that named the address, such as `listen.rest`. */
export function listenFailure(error: unknown, address: Address, key: string): AtollError {
  const origin = isAtollError(error) ? error.cause : error;
  const code = origin instanceof Error && "code" in origin ? origin.code : undefined;
  if (code === "EADDRINUSE") {
    return new AtollError(
      "address-in-use",
      `${addressText(address)} is in use${portOwnerText(address.port)}`,
      { mend: `Stop that process, or choose another address for ${key}.` },
      error,
    );
  }
  const fault = {
    pointer: toPointer(key.split(".")),
    detail: errorText(origin),
    code: "no-listen",
  };
  return new AtollError(
    "config-invalid",
    `Cannot listen on ${addressText(address)}`,
    { faults: [fault], mend: `Choose another address for ${key}.` },
    error,
  );
}
