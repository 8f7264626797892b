/* Mounts by descriptor (fsopen, open_tree, move_mount), paths resolved inside a root, and the server's mount operations. */
#include "mounts.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

int open_in_root(int root, const char *path, int flags, uint64_t resolve) {
  struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve};
  while (*path == '/') path++;
  for (int tries = 0;; tries++) {
    int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries > 128) return fd; /* EAGAIN: somebody renamed meanwhile */
  }
}

int make_in_root(int root, const char *path, bool directory, struct error *e) {
  const uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int fd = open_in_root(root, path, O_PATH, resolve);
  if (fd >= 0) return fd;
  if (errno != ENOENT) return fail(e, "resolve", path);
  char copy[4096];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return fail_with(e, ENAMETOOLONG, "resolve", path);
  int parent = open_in_root(root, "/", O_PATH | O_DIRECTORY, resolve);
  if (parent < 0) return fail(e, "resolve", "/");
  size_t length = strlen(copy);
  while (length && copy[length - 1] == '/') copy[--length] = 0;
  char *at = copy;
  while (*at == '/') at++;
  while (*at) {
    char *end = at;
    while (*end && *end != '/') end++;
    bool last = !*end;
    *end = 0;
    if (!strcmp(at, "..")) {
      close(parent);
      return fail_with(e, EINVAL, "resolve", path);
    }
    /* The prefix is resolved anew inside the root, so that a link met on the way is followed there and nowhere else. */
    int next = open_in_root(root, copy, O_PATH, resolve);
    if (next < 0 && errno == ENOENT) {
      int made;
      if (last && !directory) {
        made = openat(parent, at, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (made >= 0) close(made);
      } else {
        made = mkdirat(parent, at, 0755);
      }
      if (made < 0 && errno != EEXIST) {
        fail(e, "create", path);
        close(parent);
        return -1;
      }
      next = open_in_root(parent, at, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    }
    if (next < 0) {
      fail(e, "resolve", path);
      close(parent);
      return -1;
    }
    close(parent);
    parent = next;
    if (last) break;
    *end = '/';
    at = end;
    while (*at == '/') at++;
  }
  return parent;
}

int clone_tree(int dirfd, const char *path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH) | (recursive ? AT_RECURSIVE : 0);
  return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

int set_mount_attributes(int fd, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation) {
  if (!set && !clear && !propagation) return 0;
  struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
  if (set & MOUNT_ATTR__ATIME) attr.attr_clr |= MOUNT_ATTR__ATIME;
  return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

int map_mount(int fd, int user_namespace) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
  return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr);
}

int attach_mount(int mount, int target, struct error *e) {
  if (syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail(e, "move_mount", "");
  return 0;
}

int configure(int fs, const char *key, const char *value) {
  return (int)syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

int new_mount(const char *type, const struct record *r, uint32_t first, uint64_t attributes, struct error *e) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0) return fail(e, "fsopen", type);
  int result = 0, fd = -1;
  for (uint32_t i = first; result == 0 && i + 1 < r->count; i += 2)
    if (configure(fs, text_of(r, i), r->fields[i + 1].length ? text_of(r, i + 1) : NULL) < 0)
      result = fail(e, "fsconfig", text_of(r, i));
  if (result == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) result = fail(e, "fscreate", type);
  if (result == 0 && (fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes)) < 0) result = fail(e, "fsmount", type);
  close(fs);
  return result < 0 ? -1 : fd;
}

/* mount SOURCE TARGET TYPE FLAGS DATA: mount(2) as it is. */
int op_mount(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  const char *data = text_of(args, 5);
  if (mount(text_of(args, 1), text_of(args, 2), *text_of(args, 3) ? text_of(args, 3) : NULL,
            (unsigned long)number_of(args, 4), *data ? data : NULL) < 0)
    return fail(e, "mount", text_of(args, 2));
  return 0;
}

/* umount TARGET DETACH */
int op_umount(const struct record *args, struct buffer *reply, struct error *e) {
  bool there = true;
  if (umount2(text_of(args, 1), UMOUNT_NOFOLLOW | (number_of(args, 2) ? MNT_DETACH : 0)) < 0) {
    if (errno != EINVAL && errno != ENOENT) return fail(e, "umount", text_of(args, 1));
    there = false;
  }
  put_text(reply, there ? "1" : "");
  return 0;
}

/* bind SOURCE TARGET RECURSIVE READONLY PRIVATE */
int op_bind(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  bool recursive = number_of(args, 3);
  int tree = clone_tree(AT_FDCWD, text_of(args, 1), recursive);
  if (tree < 0) return fail(e, "open_tree", text_of(args, 1));
  int target = open(text_of(args, 2), O_PATH | O_CLOEXEC), result = 0;
  if (target < 0) result = fail(e, "open", text_of(args, 2));
  if (result == 0 && set_mount_attributes(tree, recursive, number_of(args, 4) ? MOUNT_ATTR_RDONLY : 0, 0,
                                          number_of(args, 5) ? MS_PRIVATE : 0) < 0)
    result = fail(e, "mount_setattr", text_of(args, 1));
  if (result == 0) result = attach_mount(tree, target, e);
  if (target >= 0) close(target);
  close(tree);
  return result;
}

/*
 * [TARGET|"" UPPER WORK VOLATILE LOWER...], lowest first, beginning at field `first`. One fsconfig per layer where the
 * kernel has it (6.5), so that neither the number of layers nor the length of their paths is bounded by a page.
 */
int overlay_mount(const struct record *r, uint32_t first, struct error *e) {
  const char *upper = text_of(r, first), *work = text_of(r, first + 1);
  bool is_volatile = number_of(r, first + 2);
  uint32_t lowest = first + 3;
  int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  if (fs < 0) return fail(e, "fsopen", "overlay");
  int result = 0, fd = -1;
  bool appended = true;
  for (uint32_t i = r->count; result == 0 && i-- > lowest;)
    if (configure(fs, "lowerdir+", text_of(r, i)) < 0) {
      if (errno == EINVAL && i == r->count - 1) {
        appended = false;
        break;
      }
      result = fail(e, "overlay-lower", text_of(r, i));
    }
  if (result == 0 && !appended) { /* older kernels: everything in one string of mount(2) */
    close(fs);
    static char data[4096];
    size_t at = (size_t)snprintf(data, sizeof data, "lowerdir=");
    for (uint32_t i = r->count; i-- > lowest && at < sizeof data;)
      at += (size_t)snprintf(data + at, sizeof data - at, "%s%s", text_of(r, i), i > lowest ? ":" : "");
    if (*upper && at < sizeof data)
      at += (size_t)snprintf(data + at, sizeof data - at, ",upperdir=%s,workdir=%s%s", upper, work, is_volatile ? ",volatile" : "");
    if (at >= sizeof data) return fail_with(e, E2BIG, "overlay", "too many layers for this kernel");
    char there[] = "/tmp/wherry-overlay-XXXXXX";
    if (!mkdtemp(there)) return fail(e, "mkdtemp", there);
    if (mount("overlay", there, "overlay", 0, data) < 0) result = fail(e, "overlay", upper);
    if (result == 0 && (fd = clone_tree(AT_FDCWD, there, false)) < 0) result = fail(e, "open_tree", there);
    umount2(there, MNT_DETACH);
    rmdir(there);
    return result < 0 ? -1 : fd;
  }
  if (result == 0 && *upper) {
    if (configure(fs, "upperdir", upper) < 0) result = fail(e, "overlay-upper", upper);
    else if (configure(fs, "workdir", work) < 0) result = fail(e, "overlay-work", work);
    else if (is_volatile && configure(fs, "volatile", NULL) < 0) result = fail(e, "overlay-volatile", upper);
  }
  if (result == 0 && configure(fs, "source", "overlay") < 0) result = fail(e, "fsconfig", "source");
  if (result == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    result = fail(e, "overlay", *upper ? upper : text_of(r, lowest));
  if (result == 0 && (fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0)) < 0) result = fail(e, "fsmount", "overlay");
  close(fs);
  return result < 0 ? -1 : fd;
}

/* overlay TARGET UPPER WORK VOLATILE LOWER... */
int op_overlay(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  int fd = overlay_mount(args, 2, e);
  if (fd < 0) return -1;
  int target = open(text_of(args, 1), O_PATH | O_CLOEXEC);
  int result = target < 0 ? fail(e, "open", text_of(args, 1)) : attach_mount(fd, target, e);
  if (target >= 0) close(target);
  close(fd);
  return result;
}

/* A whiteout or an opaque directory: the layers below do not show through. */
static bool hides(int layer, const char *path) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", path);
  for (;;) {
    int fd = open_in_root(layer, copy, O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd >= 0) {
      struct stat st;
      bool hidden = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
      if (!hidden && S_ISDIR(st.st_mode)) {
        char link[64], value[2] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        hidden = getxattr(link, "trusted.overlay.opaque", value, 1) == 1 && *value == 'y';
      }
      close(fd);
      return hidden;
    }
    char *slash = strrchr(copy, '/');
    if (!slash || slash == copy) return false;
    *slash = 0;
  }
}

/* layers.read PATH MAX LAYER... (lowest first): "1" and the bytes, or "". */
int op_layers_read(const struct record *args, struct buffer *reply, struct error *e) {
  const char *path = text_of(args, 1);
  size_t max = (size_t)number_of(args, 2);
  for (uint32_t i = args->count; i-- > 3;) {
    int layer = open(text_of(args, i), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (layer < 0) return fail(e, "open", text_of(args, i));
    int fd = open_in_root(layer, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    struct stat st = {0};
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
      close(layer);
      int result = 0;
      if ((size_t)st.st_size > max) result = fail_with(e, EFBIG, "read", path);
      char *data = malloc((size_t)st.st_size + 1);
      size_t length = 0;
      while (result == 0 && data && length < (size_t)st.st_size) {
        ssize_t n = read(fd, data + length, (size_t)st.st_size - length);
        if (n < 0) result = fail(e, "read", path);
        if (n <= 0) break;
        length += (size_t)n;
      }
      close(fd);
      if (result == 0) {
        put_text(reply, "1");
        put_field(reply, data, (uint32_t)length);
      }
      free(data);
      return result;
    }
    if (fd >= 0) close(fd);
    bool end = fd >= 0 || hides(layer, path);
    close(layer);
    if (end) break;
  }
  put_text(reply, "");
  return 0;
}
