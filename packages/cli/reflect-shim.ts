/**
 * What `@peculiar/x509` needs to load: its container asks a reflection library what is known of its
 * classes, and "nothing" is an answer that it can work with.
 *
 * The usual answer is the package `reflect-metadata`, 60 KiB that would be loaded for three functions
 * of which nothing is used. When that package is there first, it is left alone.
 */
const nothing = (): undefined => undefined;
const reflect: Record<string, unknown> = Reflect;

for (const name of ["getMetadata", "getOwnMetadata", "defineMetadata"]) reflect[name] ??= nothing;
