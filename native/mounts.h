#ifndef WHERRY_MOUNTS_H
#define WHERRY_MOUNTS_H
#include "wherry.h"
#include <linux/openat2.h>
#include <sys/mount.h>

#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

int configure(int fs, const char *key, const char *value);
/* A detached mount of a new file system; options are pairs from field `first`, an empty value is a flag. */
int new_mount(const char *type, const struct record *r, uint32_t first, uint64_t attributes, struct error *e);
/* A detached overlay: UPPER WORK VOLATILE LOWER... from field `first`. */
int overlay_mount(const struct record *r, uint32_t first, struct error *e);
#endif
