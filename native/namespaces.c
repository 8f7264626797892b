/* Namespaces: made and pinned, entered for a moment, sysctls inside them. */
#include "wherry.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
  const char *type;
  int flag;
} types[] = {
    {"net", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP},
    {"mnt", CLONE_NEWNS},  {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID},
};

int namespace_flag(const char *type) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (!strcmp(types[i].type, type)) return types[i].flag;
  return 0;
}

static int home_netns = -1;

int enter_netns(const char *path, struct error *e) {
  if (!*path) return 0;
  if (home_netns < 0) home_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home_netns < 0) return fail(e, "open", "/proc/thread-self/ns/net");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(e, "open", path);
  int result = setns(fd, CLONE_NEWNET);
  if (result < 0) fail(e, "setns", path);
  close(fd);
  return result;
}

void leave_netns(void) {
  /* Going on in a stranger's namespace would be worse than ending: wherry starts a new helper. */
  if (home_netns >= 0 && setns(home_netns, CLONE_NEWNET) < 0) _exit(72);
}

static int make_directories(const char *path) {
  char copy[4096];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (char *at = copy + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    if (mkdir(copy, 0755) < 0 && errno != EEXIST) return -1;
    *at = '/';
  }
  return mkdir(copy, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static int pin(pid_t pid, const char *type, const char *path, struct error *e) {
  char source[64];
  snprintf(source, sizeof source, "/proc/%d/ns/%s", pid, type);
  int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0) return fail(e, "create", path);
  close(fd);
  if (mount(source, path, NULL, MS_BIND, NULL) < 0) {
    fail(e, "pin", path);
    unlink(path);
    return -1;
  }
  return 0;
}

struct making {
  int flags;
  const char *hostname, *domainname;
};

/* In the child: says 'r', or an error, then waits for the parent to hang up. */
static void make_namespaces(const struct making *m, int channel) {
  struct error e = {0};
  char byte;
  if (m->flags & CLONE_NEWUSER) {
    if (unshare(CLONE_NEWUSER) < 0) {
      fail(&e, "unshare", "user");
      goto out;
    }
    if (write(channel, "u", 1) != 1 || read(channel, &byte, 1) != 1) _exit(1); /* the parent writes the maps */
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) {
      fail(&e, "setresuid", "0");
      goto out;
    }
  }
  if (unshare(m->flags & ~CLONE_NEWUSER) < 0) {
    fail(&e, "unshare", "");
    goto out;
  }
  if ((m->flags & CLONE_NEWUTS) && *m->hostname && sethostname(m->hostname, strlen(m->hostname)) < 0) {
    fail(&e, "sethostname", m->hostname);
    goto out;
  }
  if ((m->flags & CLONE_NEWUTS) && *m->domainname && setdomainname(m->domainname, strlen(m->domainname)) < 0) {
    fail(&e, "setdomainname", m->domainname);
    goto out;
  }
  if ((m->flags & CLONE_NEWNET) && loopback_up(&e) < 0) goto out;
  if (write(channel, "r", 1) == 1 && read(channel, &byte, 1) < 0) _exit(1);
  _exit(0);
out:
  if (write(channel, "e", 1) == 1 && write(channel, &e, sizeof e) < 0) _exit(2);
  _exit(1);
}

static int write_map(pid_t pid, const char *file, const char *map, struct error *e) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  return write_path(AT_FDCWD, path, map) < 0 ? fail(e, "write", file) : 0;
}

/*
 * namespaces.create DIRECTORY HOSTNAME DOMAINNAME UIDMAP GIDMAP [TYPE PATH]...: DIRECTORY is made; maps as the kernel's
 * files want them. A child makes them, because a user namespace has to exist before what it owns.
 */
int op_namespaces_create(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  struct making m = {.hostname = text_of(args, 2), .domainname = text_of(args, 3)};
  for (uint32_t i = 6; i + 1 < args->count; i += 2) {
    int flag = namespace_flag(text_of(args, i));
    if (!flag || flag == CLONE_NEWPID || flag == CLONE_NEWNS) return fail_with(e, EINVAL, "type", text_of(args, i));
    m.flags |= flag;
  }
  if (*text_of(args, 1) && make_directories(text_of(args, 1)) < 0) return fail(e, "mkdir", text_of(args, 1));
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0) return fail(e, "socketpair", "");
  pid_t pid = fork();
  if (pid < 0) {
    fail(e, "fork", "");
    close(channel[0]);
    close(channel[1]);
    return -1;
  }
  if (pid == 0) {
    close(channel[0]);
    make_namespaces(&m, channel[1]);
  }
  close(channel[1]);
  char tag = 0;
  int result = read_all(channel[0], &tag, 1);
  if (result == 0 && tag == 'u') {
    /* setgroups stays allowed: the maps are written by real root. */
    if (write_map(pid, "uid_map", text_of(args, 4), e) < 0 || write_map(pid, "gid_map", text_of(args, 5), e) < 0 ||
        write_all(channel[0], "g", 1) < 0) {
      close(channel[0]);
      kill(pid, SIGKILL);
      return -1;
    }
    result = read_all(channel[0], &tag, 1);
  }
  if (result == 0 && tag == 'e') {
    if (read_all(channel[0], e, sizeof *e) < 0) fail(e, "child", "");
    result = -1;
  } else if (result < 0) {
    fail(e, "child", "");
  }
  uint32_t pinned = 6;
  for (; result == 0 && pinned + 1 < args->count; pinned += 2)
    result = pin(pid, text_of(args, pinned), text_of(args, pinned + 1), e);
  if (result < 0)
    for (uint32_t i = 6; i + 1 < pinned; i += 2) {
      umount2(text_of(args, i + 1), MNT_DETACH);
      unlink(text_of(args, i + 1));
    }
  close(channel[0]); /* the child ends and is reaped by the kernel */
  return result;
}

/* namespace.delete PATH: "1" when it was there. */
int op_namespace_delete(const struct record *args, struct buffer *reply, struct error *e) {
  const char *path = text_of(args, 1);
  bool there = true;
  if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
    if (errno != EINVAL && errno != ENOENT) return fail(e, "umount", path);
    there = false;
  }
  if (unlink(path) < 0) {
    if (errno != ENOENT) return fail(e, "unlink", path);
  } else {
    there = true;
  }
  put_text(reply, there ? "1" : "");
  return 0;
}

/* Opens below /proc/sys and proves that it is procfs: nothing can have been mounted over it (CVE-2025-52881 class). */
static int open_sysctl(const char *key, int flags, struct error *e) {
  char path[512] = "/proc/sys/";
  if (strlen(key) + 11 > sizeof path || strstr(key, "..")) return fail_with(e, EINVAL, "sysctl", key);
  strcat(path, key);
  int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return fail(e, "open", path);
  struct statfs fs;
  if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
    close(fd);
    return fail_with(e, EXDEV, "sysctl", key);
  }
  return fd;
}

/*
 * A child enters the namespaces (user first, so that it may) and does the work; `value` NULL reads. The server itself
 * never leaves home for anything but a network namespace.
 */
static int sysctl_inside(const struct record *args, uint32_t first, const char *key, const char *value, char *out,
                         size_t size, struct error *e) {
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0) return fail(e, "socketpair", "");
  pid_t pid = fork();
  if (pid < 0) {
    fail(e, "fork", "");
    close(channel[0]);
    close(channel[1]);
    return -1;
  }
  if (pid == 0) {
    struct error mine = {0};
    char data[4096] = "";
    int result = 0;
    for (uint32_t i = first; result == 0 && i < args->count; i++) {
      int fd = open(text_of(args, i), O_RDONLY | O_CLOEXEC);
      if (fd < 0 || setns(fd, 0) < 0) result = fail(&mine, "setns", text_of(args, i));
    }
    if (result == 0) {
      int fd = open_sysctl(key, value ? O_WRONLY : O_RDONLY, &mine);
      if (fd < 0) result = -1;
      else if (value && write(fd, value, strlen(value)) < 0) result = fail(&mine, "write", key);
      else if (!value) {
        ssize_t n = read(fd, data, sizeof data - 1);
        if (n < 0) result = fail(&mine, "read", key);
      }
    }
    if (write_all(channel[1], &mine, sizeof mine) < 0 || write_all(channel[1], data, sizeof data) < 0) _exit(2);
    _exit(result ? 1 : 0);
  }
  close(channel[1]);
  char data[4096];
  int result = read_all(channel[0], e, sizeof *e);
  if (result == 0) result = read_all(channel[0], data, sizeof data);
  close(channel[0]);
  if (result < 0) return fail(e, "child", key);
  if (e->code) return -1;
  if (out) snprintf(out, size, "%s", data);
  return 0;
}

/* sysctl.set KEY VALUE [NAMESPACE]...; KEY with slashes. */
int op_sysctl_set(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  const char *value = text_of(args, 2);
  if (args->count > 3) return sysctl_inside(args, 3, text_of(args, 1), value, NULL, 0, e);
  int fd = open_sysctl(text_of(args, 1), O_WRONLY, e);
  if (fd < 0) return -1;
  int result = write(fd, value, strlen(value)) < 0 ? fail(e, "write", text_of(args, 1)) : 0;
  close(fd);
  return result;
}

/* sysctl.get KEY [NAMESPACE]... */
int op_sysctl_get(const struct record *args, struct buffer *reply, struct error *e) {
  char data[4096] = "";
  if (args->count > 2) {
    if (sysctl_inside(args, 2, text_of(args, 1), NULL, data, sizeof data, e) < 0) return -1;
  } else {
    int fd = open_sysctl(text_of(args, 1), O_RDONLY, e);
    if (fd < 0) return -1;
    ssize_t n = read(fd, data, sizeof data - 1);
    if (n < 0) fail(e, "read", text_of(args, 1));
    close(fd);
    if (n < 0) return -1;
  }
  put_text(reply, data);
  return 0;
}
