/*
 * What an image store needs and Node's fs cannot do, in one batch per call:
 *   nodes apply          device nodes, fifos and extended attributes, as fields on standard input
 *   nodes xattrs ROOT    extended attributes of everything below ROOT, as fields on standard output
 *   nodes sync PATH      syncfs of the file system that holds PATH
 * A field ends with a NUL. Input records: "n" path c|b|p mode uid gid major minor, or "x" path name hex-value.
 * Output records: path-below-ROOT name hex-value. On failure: one line "step path: reason" on standard error, exit 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int fail(const char *step, const char *path) {
  fprintf(stderr, "%s %s: %s\n", step, path, strerror(errno));
  return 1;
}

static int hex_digit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/* In place; returns the length, or -1 when it is not hexadecimal. */
static ssize_t from_hex(char *text) {
  size_t n = strlen(text);
  if (n % 2) return -1;
  for (size_t i = 0; i < n; i += 2) {
    int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return -1;
    text[i / 2] = (char)(high * 16 + low);
  }
  return (ssize_t)(n / 2);
}

static char *field(void) {
  char *text = NULL;
  size_t room = 0;
  ssize_t n = getdelim(&text, &room, 0, stdin);
  if (n > 0 && text[n - 1] == 0) return text;
  free(text);
  return NULL;
}

static int make_node(char **f) {
  mode_t type = f[1][0] == 'c' ? S_IFCHR : f[1][0] == 'b' ? S_IFBLK : S_IFIFO;
  mode_t mode = (mode_t)strtoul(f[2], NULL, 10);
  dev_t device = makedev((unsigned)strtoul(f[5], NULL, 10), (unsigned)strtoul(f[6], NULL, 10));
  if (mknod(f[0], type | 0600, device) < 0) return fail("mknod", f[0]);
  uid_t uid = (uid_t)strtoul(f[3], NULL, 10);
  gid_t gid = (gid_t)strtoul(f[4], NULL, 10);
  /* An unprivileged user can make whiteouts (0/0), and owns them. */
  if ((uid != geteuid() || gid != getegid()) && lchown(f[0], uid, gid) < 0) return fail("chown", f[0]);
  if (chmod(f[0], mode) < 0) return fail("chmod", f[0]);
  return 0;
}

static int set_xattr(char **f) {
  ssize_t size = from_hex(f[2]);
  if (size < 0) {
    errno = EINVAL;
    return fail("setxattr", f[0]);
  }
  if (lsetxattr(f[0], f[1], f[2], (size_t)size, 0) < 0) return fail("setxattr", f[0]);
  return 0;
}

static int apply(void) {
  char *kind;
  while ((kind = field()) != NULL) {
    char *f[7] = {NULL};
    int want = kind[0] == 'n' ? 7 : 3;
    int result = 0;
    for (int i = 0; i < want; i++) {
      if ((f[i] = field()) == NULL) {
        errno = EINVAL;
        result = fail("read", "record");
        break;
      }
    }
    if (result == 0) result = kind[0] == 'n' ? make_node(f) : set_xattr(f);
    for (int i = 0; i < want; i++) free(f[i]);
    free(kind);
    if (result != 0) return result;
  }
  return 0;
}

static size_t root_length;

static void print_hex(const unsigned char *bytes, ssize_t n) {
  for (ssize_t i = 0; i < n; i++) printf("%02x", bytes[i]);
}

static int show(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st;
  (void)flag;
  (void)ftw;
  static char names[65536];
  static unsigned char value[65536];
  ssize_t n = llistxattr(path, names, sizeof names);
  if (n < 0) return errno == ENOTSUP || errno == ENOENT ? 0 : fail("listxattr", path);
  for (char *name = names; name < names + n; name += strlen(name) + 1) {
    ssize_t size = lgetxattr(path, name, value, sizeof value);
    if (size < 0) {
      if (errno == ENODATA || errno == ENOTSUP || errno == EPERM) continue;
      return fail("getxattr", path);
    }
    const char *below = path + root_length;
    fputs(*below == '/' ? below + 1 : below, stdout);
    putchar(0);
    fputs(name, stdout);
    putchar(0);
    print_hex(value, size);
    putchar(0);
  }
  return 0;
}

static int sync_file_system(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail("open", path);
  int result = syncfs(fd) < 0 ? fail("syncfs", path) : 0;
  close(fd);
  return result;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "apply") == 0) return apply();
  if (argc == 3 && strcmp(argv[1], "xattrs") == 0) {
    root_length = strlen(argv[2]);
    int result = nftw(argv[2], show, 64, FTW_PHYS | FTW_MOUNT);
    if (result < 0) return fail("walk", argv[2]);
    return result != 0 || fflush(stdout) != 0 ? 1 : 0;
  }
  if (argc == 3 && strcmp(argv[1], "sync") == 0) return sync_file_system(argv[2]);
  fprintf(stderr, "usage: nodes apply | xattrs ROOT | sync PATH\n");
  return 2;
}
