/** Where Debian puts libfaketime: the library that tells one process another time. */
export const FAKETIME_LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
