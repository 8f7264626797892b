/* Steps of a container's child that make the process what the plan says, ending in the program. */
#include "wherry.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/openat2.h>

/* join TYPE PATH: TYPE is proven by the kernel. */
static int join(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  int fd = open(text_of(r, 2), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(e, "open", text_of(r, 2));
  int result = setns(fd, namespace_flag(text_of(r, 1))) < 0 ? fail(e, "setns", text_of(r, 2)) : 0;
  close(fd);
  return result;
}

/* enter FLAGS: all those namespaces of the container this exec goes into. */
static int enter(struct init_context *c, const struct record *r, struct error *e) {
  if (setns(c->join_pidfd, (int)number_of(r, 1)) < 0) return fail(e, "setns", "container");
  close(c->join_pidfd);
  c->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return c->root < 0 ? fail(e, "open", "/") : 0;
}

/* user-map PATH: the namespace that maps mounts from here on and is entered by "user-namespace". */
static int user_map(struct init_context *c, const struct record *r, struct error *e) {
  c->user_namespace = open(text_of(r, 1), O_RDONLY | O_CLOEXEC);
  return c->user_namespace < 0 ? fail(e, "open", text_of(r, 1)) : 0;
}

static int give_streams(uid_t uid, struct error *e) {
  for (int i = 0; i < 3; i++) {
    struct stat st;
    if (fstat(i, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(i)) && st.st_uid != uid && fchown(i, uid, (gid_t)-1) < 0 &&
        errno != EPERM && errno != EINVAL && errno != EROFS)
      return fail(e, "chown", "stdio");
  }
  return 0;
}

/* user-namespace UID: what its root is outside. From here on nothing of the host's is ours. */
static int user_namespace(struct init_context *c, const struct record *r, struct error *e) {
  if (give_streams((uid_t)number_of(r, 1), e) < 0) return -1;
  if (setns(c->user_namespace, CLONE_NEWUSER) < 0) return fail(e, "setns", "user");
  if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) return fail(e, "setresuid", "user");
  close(c->user_namespace);
  c->user_namespace = -1;
  return 0;
}

/* unshare FLAGS */
static int unshare_step(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  return unshare((int)number_of(r, 1)) < 0 ? fail(e, "unshare", text_of(r, 1)) : 0;
}

/* hostname NAME */
static int hostname(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  return sethostname(text_of(r, 1), strlen(text_of(r, 1))) < 0 ? fail(e, "sethostname", text_of(r, 1)) : 0;
}

/*
 * session: own session and session keyring (the host's keys stay the host's), standard streams in place, the terminal as
 * controlling terminal.
 */
static int session(struct init_context *c, const struct record *r, struct error *e) {
  (void)r;
  if (setsid() < 0 && errno != EPERM) return fail(e, "setsid", "");
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EDQUOT && errno != EPERM)
    return fail(e, "keyring", "");
  if (c->terminal) {
    if (ioctl(c->terminal_peer, TIOCSCTTY, 0) < 0) return fail(e, "terminal", "controlling");
    for (int i = 0; i < 3; i++)
      if (dup2(c->terminal_peer, i) < 0) return fail(e, "dup2", "terminal");
  } else {
    for (int i = 0; i < 3; i++)
      if (dup2(c->stdio[i], i) < 0) return fail(e, "dup2", "stdio");
  }
  return 0;
}

/* rlimit RESOURCE SOFT HARD: raising a hard limit may be refused; the nearest allowed is taken then. */
static int rlimit(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  int resource = (int)number_of(r, 1);
  struct rlimit limit = {.rlim_cur = strtoull(text_of(r, 2), NULL, 10), .rlim_max = strtoull(text_of(r, 3), NULL, 10)}, now;
  if (setrlimit(resource, &limit) == 0) return 0;
  if (errno != EPERM || getrlimit(resource, &now) < 0) return fail(e, "setrlimit", text_of(r, 1));
  if (limit.rlim_max > now.rlim_max) limit.rlim_max = now.rlim_max;
  if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit) < 0 ? fail(e, "setrlimit", text_of(r, 1)) : 0;
}

/* umask MASK */
static int umask_step(struct init_context *c, const struct record *r, struct error *e) {
  (void)c, (void)e;
  umask((mode_t)number_of(r, 1));
  return 0;
}

/* no-new-privileges */
static int no_new_privileges(struct init_context *c, const struct record *r, struct error *e) {
  (void)c, (void)r;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail(e, "no_new_privs", "") : 0;
}

/* seccomp PROGRAM FLAGS: bytes of struct sock_filter */
static int seccomp_step(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  uint32_t length = r->fields[1].length;
  if (length == 0 || length % sizeof(struct sock_filter) || length / sizeof(struct sock_filter) > 4096)
    return fail_with(e, EINVAL, "seccomp", "program length");
  struct sock_filter *copy = malloc(length); /* fields are not aligned */
  if (!copy) return fail(e, "seccomp", "");
  memcpy(copy, r->fields[1].data, length);
  struct sock_fprog program = {.len = (unsigned short)(length / sizeof *copy), .filter = copy};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned)number_of(r, 2), &program) < 0) return fail(e, "seccomp", "");
  free(copy);
  return 0;
}

/* bounding MASK: what stays; capabilities that this kernel does not know are skipped. */
static int bounding(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  uint64_t keep = strtoull(text_of(r, 1), NULL, 10);
  for (int cap = 0; cap < 64; cap++) {
    int there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (there < 0) break;
    if (!there || keep >> cap & 1) continue;
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) return fail(e, "bounding", "");
  }
  return 0;
}

/* user UID GID [GROUP]...: streams that are pipes or the terminal become the user's, so that /dev/stdout can be opened. */
static int user(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  gid_t groups[1024];
  size_t count = 0;
  for (uint32_t i = 3; i < r->count && count < 1024; i++) groups[count++] = (gid_t)number_of(r, i);
  uid_t uid = (uid_t)number_of(r, 1);
  gid_t gid = (gid_t)number_of(r, 2);
  if (give_streams(uid, e) < 0) return -1;
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return fail(e, "keepcaps", "");
  if (setgroups(count, groups) < 0) return fail(e, "setgroups", "");
  if (setresgid(gid, gid, gid) < 0) return fail(e, "setresgid", text_of(r, 2));
  if (setresuid(uid, uid, uid) < 0) return fail(e, "setresuid", text_of(r, 1));
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0) return fail(e, "keepcaps", "");
  return 0;
}

/* capabilities EFFECTIVE PERMITTED INHERITABLE AMBIENT, as decimal masks; what the bounding set lacks was never ours. */
static int capabilities(struct init_context *c, const struct record *r, struct error *e) {
  (void)c;
  uint64_t mask[4];
  for (uint32_t i = 0; i < 4; i++) mask[i] = strtoull(text_of(r, i + 1), NULL, 10);
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct now[2], data[2];
  if (syscall(SYS_capget, &head, now) < 0) return fail(e, "capget", "");
  uint64_t ours = now[0].permitted | (uint64_t)now[1].permitted << 32;
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)((mask[0] & ours) >> (32 * i));
    data[i].permitted = (uint32_t)((mask[1] & ours) >> (32 * i));
    data[i].inheritable = (uint32_t)((mask[2] & ours) >> (32 * i));
  }
  if (syscall(SYS_capset, &head, data) < 0) return fail(e, "capset", "");
  for (int cap = 0; cap < 64; cap++)
    if ((mask[3] & ours) >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
      return fail(e, "ambient", "");
  return 0;
}

/* cwd PATH CREATE: proven to be inside the root afterwards (the CVE-2024-21626 class). */
static int cwd(struct init_context *c, const struct record *r, struct error *e) {
  const char *path = text_of(r, 1);
  char now[4096];
  int fd = number_of(r, 2) ? make_in_root(c->root, path, true, e)
                           : open_in_root(c->root, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (fd < 0) return fail(e, "chdir", path);
  if (fchdir(fd) < 0) return fail(e, "chdir", path);
  close(fd);
  if (syscall(SYS_getcwd, now, sizeof now) < 0) return fail(e, "getcwd", path);
  if (now[0] != '/') return fail_with(e, EXDEV, "chdir", path);
  return 0;
}

static int strings(const struct record *r, char ***out, struct error *e) {
  char **list = calloc(r->count, sizeof *list);
  if (!list) return fail(e, "memory", "");
  for (uint32_t i = 1; i < r->count; i++) list[i - 1] = r->fields[i].data;
  *out = list;
  return 0;
}

static int argv_step(struct init_context *c, const struct record *r, struct error *e) { return strings(r, &c->argv, e); }
static int env_step(struct init_context *c, const struct record *r, struct error *e) { return strings(r, &c->envp, e); }

/* placed: waits until the parent has moved us into our cgroups. */
static int placed(struct init_context *c, const struct record *r, struct error *e) {
  (void)r;
  char byte;
  return recv(c->sync, &byte, 1, 0) != 1 ? fail(e, "placed", "") : 0;
}

/* Tells the parent that all but the program is done and waits for its word. */
static int hold(struct init_context *c, const struct record *r, struct error *e) {
  (void)r;
  char byte = sync_ready;
  if (send(c->sync, &byte, 1, MSG_NOSIGNAL) != 1 || recv(c->sync, &byte, 1, 0) != 1) return fail(e, "hold", "");
  return 0;
}

static void close_on_exec(void) { close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); }

/* exec: PATH of the container's own environment, as execvp(3). */
static int exec_step(struct init_context *c, const struct record *r, struct error *e) {
  (void)r;
  const char *file = c->argv ? c->argv[0] : NULL, *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char full[4096];
  if (!file || !*file) return fail_with(e, ENOENT, "exec", "");
  close_on_exec();
  /* Its keeper gone, nobody would see it end: it goes too. Kept by exec, lost only when a set-id program runs. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail(e, "pdeathsig", "");
  if (strchr(file, '/')) {
    execve(file, c->argv, c->envp);
    return fail(e, "exec", file);
  }
  for (char **v = c->envp; v && *v; v++)
    if (!strncmp(*v, "PATH=", 5)) path = *v + 5;
  int code = ENOENT;
  while (*path) {
    size_t length = strcspn(path, ":");
    if (snprintf(full, sizeof full, "%.*s%s%s", (int)length, path, length ? "/" : "", file) < (int)sizeof full) {
      execve(full, c->argv, c->envp);
      if (errno != ENOENT && errno != ENOTDIR) code = errno;
      if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    path += length;
    if (*path == ':') path++;
  }
  return fail_with(e, code, "exec", file);
}

static void pause_end(int signal) { _exit(signal == SIGTERM ? 0 : 130); }

/* pause: first process of a pod that shares its process namespace; reaps, and holds nothing. */
static int pause_step(struct init_context *c, const struct record *r, struct error *e) {
  (void)r, (void)e;
  prctl(PR_SET_NAME, "pause");
  signal(SIGTERM, pause_end);
  signal(SIGINT, pause_end);
  signal(SIGCHLD, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close(c->sync); /* the parent takes the end of the channel for a successful start */
  close_range(3, ~0U, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (;;) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
    siginfo_t info;
    sigwaitinfo(&set, &info);
  }
  return 0;
}

const struct step_entry process_steps[] = {
    {"join", 3, join},
    {"enter", 2, enter},
    {"user-map", 2, user_map},
    {"user-namespace", 2, user_namespace},
    {"unshare", 2, unshare_step},
    {"hostname", 2, hostname},
    {"session", 1, session},
    {"rlimit", 4, rlimit},
    {"umask", 2, umask_step},
    {"no-new-privileges", 1, no_new_privileges},
    {"seccomp", 3, seccomp_step},
    {"bounding", 2, bounding},
    {"user", 3, user},
    {"capabilities", 5, capabilities},
    {"cwd", 3, cwd},
    {"argv", 2, argv_step},
    {"env", 1, env_step},
    {"placed", 1, placed},
    {"hold", 1, hold},
    {"exec", 1, exec_step},
    {"pause", 1, pause_step},
    {"connect", 2, relay_step},
    {0},
};

static const struct step_entry *find_step(const char *name) {
  for (const struct step_entry *s = rootfs_steps; s->name; s++)
    if (!strcmp(s->name, name)) return s;
  for (const struct step_entry *s = process_steps; s->name; s++)
    if (!strcmp(s->name, name)) return s;
  return NULL;
}

/* Names that begin with @ are the parent's. */
int run_steps(struct init_context *c, struct error *e) {
  for (uint32_t i = 0; i < c->plan->count; i++) {
    const struct record *r = &c->plan->records[i];
    const char *name = text_of(r, 0);
    if (*name == '@') continue;
    const struct step_entry *s = find_step(name);
    if (!s) return fail_with(e, ENOSYS, "step", name);
    if (r->count < s->least) return fail_with(e, EINVAL, "step", name);
    if (s->run(c, r, e) < 0) return -1;
  }
  return fail_with(e, ENOEXEC, "step", "the plan ended without a program");
}
