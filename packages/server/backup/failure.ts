/** What the file system says while files are copied, as one of our own errors. */
import { AtollError, errorText, isAtollError } from "@atoll/core";

export function copyFailure(error: unknown, where: string): unknown {
  if (isAtollError(error)) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === undefined) return error;
  const detail = `cannot write ${where}: ${errorText(error)}`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AtollError(
      "storage-full",
      detail,
      { mend: "choose a volume with more room" },
      error,
    );
  }
  const mend =
    code === "EEXIST"
      ? "another command is at it, or one was cut short: remove it if none is"
      : "make sure that this user may write there";
  return new AtollError("data-directory-unusable", detail, { mend }, error);
}
