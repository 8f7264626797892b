/*
 * Steps of a container's child that build its root file system. Every path of the container is resolved with openat2
 * inside the root and used by descriptor from then on, so that a link or a rename in an image or volume leads nowhere else.
 */
#include "mounts.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static const uint64_t inside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/* Trees opened before propagation is cut; "bind" names them as #0, #1, ... */
static int trees[256];
static uint32_t tree_count;

/* propagation FLAGS */
static int propagation(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  return mount(NULL, "/", NULL, (unsigned long)number_of(r, 1), NULL) < 0 ? fail(e, "propagation", "/") : 0;
}

/* tree SOURCE RECURSIVE */
static int tree(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  if (tree_count == sizeof trees / sizeof *trees) return fail_with(e, E2BIG, "tree", text_of(r, 1));
  int fd = clone_tree(AT_FDCWD, text_of(r, 1), number_of(r, 2));
  if (fd < 0) return fail(e, "open_tree", text_of(r, 1));
  trees[tree_count++] = fd;
  return 0;
}

static int set_root(struct init_context *c, int mount, const char *where, struct error *e) {
  int target = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (target < 0) return fail(e, "open", where);
  int result = attach_mount(mount, target, e);
  close(target);
  if (result == 0) c->root = mount; /* a mount's descriptor is its root directory */
  return result;
}

/* Layers whose files appear as the container's own: mapped clones, attached where the root will cover them. */
static int map_layers(struct init_context *c, struct record *r, const char *where, struct error *e) {
  static const struct record options;
  int scratch = new_mount("tmpfs", &options, 0, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, e), result = 0;
  int target = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (target < 0) return fail(e, "open", where);
  if (scratch < 0 || attach_mount(scratch, target, e) < 0) return -1;
  close(target);
  for (uint32_t i = 5; result == 0 && i < r->count; i++) {
    char *path = NULL, name[16];
    snprintf(name, sizeof name, "%u", i);
    if (asprintf(&path, "%s/%s", where, name) < 0) return fail(e, "memory", "");
    int layer = clone_tree(AT_FDCWD, text_of(r, i), false), at = -1;
    if (layer < 0) result = fail(e, "open_tree", text_of(r, i));
    else if (map_mount(layer, c->user_namespace) < 0) result = fail(e, "idmap", text_of(r, i));
    else if (mkdirat(scratch, name, 0700) < 0 || (at = openat(scratch, name, O_PATH | O_CLOEXEC)) < 0)
      result = fail(e, "mkdir", path);
    else result = attach_mount(layer, at, e);
    if (at >= 0) close(at);
    if (layer >= 0) close(layer);
    r->fields[i] = (struct field){.data = path, .length = (uint32_t)strlen(path)};
  }
  close(scratch);
  return result;
}

/* root-overlay WHERE UPPER WORK VOLATILE LOWER... */
static int root_overlay(struct init_context *c, const struct record *r, struct error *e) {
  struct record mapped = *r;
  if (c->user_namespace >= 0 && map_layers(c, &mapped, text_of(r, 1), e) < 0) return -1;
  int fd = overlay_mount(&mapped, 2, e);
  return fd < 0 ? -1 : set_root(c, fd, text_of(r, 1), e);
}

/* root-bind WHERE SOURCE */
static int root_bind(struct init_context *c, const struct record *r, struct error *e) {
  int fd = clone_tree(AT_FDCWD, text_of(r, 2), true);
  if (fd < 0) return fail(e, "open_tree", text_of(r, 2));
  if (set_mount_attributes(fd, false, 0, 0, MS_PRIVATE) < 0) return fail(e, "mount_setattr", text_of(r, 2));
  return set_root(c, fd, text_of(r, 1), e);
}

/* root-tmpfs WHERE */
static int root_tmpfs(struct init_context *c, const struct record *r, struct error *e) {
  int fd = new_mount("tmpfs", r, 2, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
  return fd < 0 ? -1 : set_root(c, fd, text_of(r, 1), e);
}

/* fs TYPE TARGET ATTRIBUTES FOLLOW [KEY VALUE]...; without FOLLOW the target itself must not be reached by a link. */
static int fs(struct init_context *c, const struct record *r, struct error *e) {
  const char *path = text_of(r, 2);
  int target;
  if (!number_of(r, 4)) {
    target = open_in_root(c->root, path, O_PATH, inside | RESOLVE_NO_SYMLINKS);
    if (target < 0 && errno != ENOENT) return fail(e, "resolve", path);
    if (target < 0) target = make_in_root(c->root, path, true, e);
  } else {
    target = make_in_root(c->root, path, true, e);
  }
  if (target < 0) return -1;
  int fd = new_mount(text_of(r, 1), r, 5, (uint64_t)number_of(r, 3), e);
  int result = fd < 0 ? -1 : attach_mount(fd, target, e);
  if (result < 0 && !*e->detail) snprintf(e->detail, sizeof e->detail, "%s", path);
  if (fd >= 0) close(fd);
  close(target);
  return result;
}

/*
 * bind SOURCE|#N TARGET RECURSIVE ATTRIBUTES ALL PROPAGATION SUBPATH MAPPED; ATTRIBUTES with ALL for every mount below
 * too. MAPPED: its files appear as the user namespace has it.
 */
static int bind_mount(struct init_context *c, const struct record *r, struct error *e) {
  const char *source = text_of(r, 1), *target_path = text_of(r, 2), *below = text_of(r, 7);
  bool recursive = number_of(r, 3);
  int fd;
  if (*source == '#') {
    uint32_t index = (uint32_t)strtoul(source + 1, NULL, 10);
    if (index >= tree_count) return fail_with(e, EINVAL, "tree", source);
    fd = trees[index];
  } else if (*below) { /* resolved inside the volume and mounted by descriptor: no later rename can redirect it */
    int volume = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (volume < 0) return fail(e, "open", source);
    int found = open_in_root(volume, below, O_PATH, inside);
    if (found < 0) {
      fail(e, "resolve", below);
      close(volume);
      return -1;
    }
    fd = clone_tree(found, "", recursive);
    close(found);
    close(volume);
  } else {
    fd = clone_tree(AT_FDCWD, source, recursive);
  }
  if (fd < 0) return fail(e, "open_tree", source);
  struct stat st;
  if (fstat(fd, &st) < 0) return fail(e, "stat", source);
  int target = make_in_root(c->root, target_path, S_ISDIR(st.st_mode), e);
  if (target < 0) return -1;
  uint64_t attributes = (uint64_t)number_of(r, 4), shared = (uint64_t)number_of(r, 6);
  bool all = number_of(r, 5);
  int result = 0;
  if (number_of(r, 8) && c->user_namespace >= 0 && map_mount(fd, c->user_namespace) < 0) result = fail(e, "idmap", source);
  else if (set_mount_attributes(fd, all, attributes, 0, 0) < 0 || set_mount_attributes(fd, true, 0, 0, shared) < 0)
    result = fail(e, "mount_setattr", target_path);
  if (result == 0) result = attach_mount(fd, target, e);
  if (result < 0 && !*e->detail) snprintf(e->detail, sizeof e->detail, "%s", target_path);
  close(target);
  close(fd);
  return result;
}

/* Splits PATH into its resolved (and made) directory and the name in it. */
static int open_parent(struct init_context *c, const char *path, const char **name, struct error *e) {
  char copy[4096];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return fail_with(e, ENAMETOOLONG, "resolve", path);
  char *slash = strrchr(copy, '/');
  if (!slash) return fail_with(e, EINVAL, "resolve", path);
  *slash = 0;
  *name = path + (slash - copy) + 1;
  if (!**name || !strcmp(*name, "..") || !strcmp(*name, ".")) return fail_with(e, EINVAL, "resolve", path);
  return make_in_root(c->root, *copy ? copy : "/", true, e);
}

/* node PATH c|b MODE MAJOR MINOR UID GID */
static int node(struct init_context *c, const struct record *r, struct error *e) {
  const char *name;
  int parent = open_parent(c, text_of(r, 1), &name, e), result = 0;
  if (parent < 0) return -1;
  mode_t mode = (mode_t)number_of(r, 3) | (*text_of(r, 2) == 'b' ? S_IFBLK : S_IFCHR);
  if (mknodat(parent, name, mode, makedev((unsigned)number_of(r, 4), (unsigned)number_of(r, 5))) < 0)
    result = fail(e, "mknod", text_of(r, 1));
  else if (fchownat(parent, name, (uid_t)number_of(r, 6), (gid_t)number_of(r, 7), AT_SYMLINK_NOFOLLOW) < 0)
    result = fail(e, "chown", text_of(r, 1));
  else if (fchmodat(parent, name, (mode_t)number_of(r, 3), 0) < 0)
    result = fail(e, "chmod", text_of(r, 1));
  close(parent);
  return result;
}

/* link PATH VALUE; one that is there already is left. */
static int symbolic_link(struct init_context *c, const struct record *r, struct error *e) {
  const char *name;
  int parent = open_parent(c, text_of(r, 1), &name, e);
  if (parent < 0) return -1;
  int result = symlinkat(text_of(r, 2), parent, name) < 0 && errno != EEXIST ? fail(e, "symlink", text_of(r, 1)) : 0;
  close(parent);
  return result;
}

/* directory PATH MODE */
static int directory(struct init_context *c, const struct record *r, struct error *e) {
  int fd = make_in_root(c->root, text_of(r, 1), true, e);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

/*
 * console: a terminal of the container's own devpts, never by a path that the container could have replaced: the multiplexer
 * is proven by device number, its other end asked from it, and bound by descriptor (the CVE-2025-52565 class).
 */
static int console(struct init_context *c, const struct record *r, struct error *e) {
  int multiplexer = open_in_root(c->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY, inside | RESOLVE_NO_SYMLINKS);
  if (multiplexer < 0) return fail(e, "open", "/dev/pts/ptmx");
  struct stat st;
  struct statfs kind;
  int unlock = 0;
  if (fstat(multiplexer, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
      fstatfs(multiplexer, &kind) < 0 || kind.f_type != DEVPTS_SUPER_MAGIC)
    return fail_with(e, ENXIO, "console", "not a devpts multiplexer");
  if (ioctl(multiplexer, TIOCSPTLCK, &unlock) < 0) return fail(e, "console", "unlock");
  int peer = ioctl(multiplexer, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (peer < 0) return fail(e, "console", "peer");
  struct winsize size = {.ws_row = (unsigned short)number_of(r, 2), .ws_col = (unsigned short)number_of(r, 3)};
  if (size.ws_row && ioctl(multiplexer, TIOCSWINSZ, &size) < 0) return fail(e, "console", "size");
  if (number_of(r, 1)) {
    int target = make_in_root(c->root, "/dev/console", false, e);
    if (target < 0) return -1;
    int tree_fd = clone_tree(peer, "", false);
    if (tree_fd < 0) return fail(e, "open_tree", "console");
    if (attach_mount(tree_fd, target, e) < 0) return -1;
    close(tree_fd);
    close(target);
  }
  if (send_descriptor(c->sync, sync_terminal, multiplexer) < 0) return fail(e, "console", "send");
  close(multiplexer);
  c->terminal = true;
  c->terminal_peer = peer;
  return 0;
}

/* mask PATH...: files by the null device (proven by its number: CVE-2025-31133), directories by one empty read-only tmpfs. */
static int mask(struct init_context *c, const struct record *r, struct error *e) {
  int null = open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW), empty = -1;
  struct stat st;
  if (null < 0) return fail(e, "open", "/dev/null");
  if (fstat(null, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
    return fail_with(e, ENXIO, "mask", "/dev/null is not the null device");
  for (uint32_t i = 1; i < r->count; i++) {
    const char *path = text_of(r, i);
    int target = open_in_root(c->root, path, O_PATH, inside);
    if (target < 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return fail(e, "mask", path);
    }
    if (fstat(target, &st) < 0) return fail(e, "mask", path);
    int cover;
    if (S_ISDIR(st.st_mode)) {
      static struct record options;
      if (empty < 0) {
        struct field fields[] = {{"size", 4}, {"4k", 2}, {"nr_inodes", 9}, {"2", 1}, {"mode", 4}, {"755", 3}};
        options = (struct record){.count = 6, .fields = fields};
        empty = new_mount("tmpfs", &options, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
        if (empty < 0) return -1;
        cover = empty;
      } else {
        cover = clone_tree(empty, "", false);
      }
    } else {
      cover = clone_tree(null, "", false);
    }
    if (cover < 0) return fail(e, "mask", path);
    if (attach_mount(cover, target, e) < 0) return fail_with(e, e->code, "mask", path);
    if (cover != empty) close(cover);
    close(target);
  }
  if (empty >= 0) close(empty);
  close(null);
  return 0;
}

/* readonly PATH...: each bound onto itself, read-only with all below. */
static int readonly(struct init_context *c, const struct record *r, struct error *e) {
  for (uint32_t i = 1; i < r->count; i++) {
    const char *path = text_of(r, i);
    int target = open_in_root(c->root, path, O_PATH, inside);
    if (target < 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return fail(e, "readonly", path);
    }
    int fd = clone_tree(target, "", true);
    if (fd < 0 || set_mount_attributes(fd, true, MOUNT_ATTR_RDONLY, 0, 0) < 0) return fail(e, "readonly", path);
    if (attach_mount(fd, target, e) < 0) return fail_with(e, e->code, "readonly", path);
    close(fd);
    close(target);
  }
  return 0;
}

/* root-attributes SET: of the root itself, e.g. read-only. */
static int root_attributes(struct init_context *c, const struct record *r, struct error *e) {
  return set_mount_attributes(c->root, false, (uint64_t)number_of(r, 1), 0, 0) < 0 ? fail(e, "mount_setattr", "/") : 0;
}

/* pivot: the old root goes lazily, and first becomes a slave so that this reaches nobody else. */
static int pivot(struct init_context *c, const struct record *r, struct error *e) {
  (void)r;
  int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old < 0) return fail(e, "open", "/");
  if (fchdir(c->root) < 0) return fail(e, "fchdir", "root");
  if (syscall(SYS_pivot_root, ".", ".") < 0) return fail(e, "pivot_root", "");
  if (fchdir(old) < 0) return fail(e, "fchdir", "old root");
  if (mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0) return fail(e, "old-root", "slave");
  if (umount2(".", MNT_DETACH) < 0) return fail(e, "old-root", "umount");
  if (chdir("/") < 0) return fail(e, "chdir", "/");
  close(old);
  close(c->root);
  c->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return c->root < 0 ? fail(e, "open", "/") : 0;
}

const struct step_entry rootfs_steps[] = {
    {"propagation", 2, propagation},
    {"tree", 3, tree},
    {"root-overlay", 6, root_overlay},
    {"root-bind", 3, root_bind},
    {"root-tmpfs", 2, root_tmpfs},
    {"fs", 5, fs},
    {"bind", 7, bind_mount},
    {"node", 8, node},
    {"link", 3, symbolic_link},
    {"directory", 2, directory},
    {"console", 1, console},
    {"mask", 1, mask},
    {"readonly", 1, readonly},
    {"root-attributes", 2, root_attributes},
    {"pivot", 1, pivot},
    {0},
};
