/* Starting a child by a plan: the parent's half ("@" records) and the channel between the two. */
#include "wherry.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int send_descriptor(int socket, char tag, int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {.iov_base = &tag, .iov_len = 1};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&m);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

ssize_t receive_tagged(int socket, char *tag, void *data, size_t size, int *fd) {
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec parts[2] = {{.iov_base = tag, .iov_len = 1}, {.iov_base = data, .iov_len = size}};
  struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n;
  do n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  *fd = -1;
  struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
  if (head && head->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(head), sizeof *fd);
  return n;
}

int pidfd_open_compat(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

/* Nothing of the host is open in the child but what it needs (the CVE-2024-21626 class). */
static void close_others(const int *kept, size_t count) {
  int last = 2;
  for (;;) {
    int next = -1;
    for (size_t i = 0; i < count; i++)
      if (kept[i] > last && (next < 0 || kept[i] < next)) next = kept[i];
    if (next < 0) break;
    if (next > last + 1) close_range((unsigned)last + 1, (unsigned)next - 1, 0);
    last = next;
  }
  close_range((unsigned)last + 1, ~0U, 0);
}

static _Noreturn void child(struct plan *plan, int sync, int stdio[3], int join_pidfd) {
  struct init_context c = {.plan = plan, .sync = sync, .root = -1, .terminal_peer = -1, .join_pidfd = join_pidfd, .user_namespace = -1};
  struct error e = {0};
  char byte;
  int kept[] = {sync, join_pidfd, stdio[0], stdio[1], stdio[2]};
  memcpy(c.stdio, stdio, sizeof c.stdio);
  close_others(kept, 5);
  for (int s = 1; s < 65; s++) signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (recv(sync, &byte, 1, 0) != 1) _exit(1); /* the parent gave up */
  umask(0022);
  run_steps(&c, &e);
  struct iovec parts[2] = {{.iov_base = "e", .iov_len = 1}, {.iov_base = &e, .iov_len = sizeof e}};
  struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
  if (sendmsg(sync, &m, MSG_NOSIGNAL) < 0) _exit(2);
  _exit(1);
}

struct ends {
  int ours[3], theirs[3];
};

static void close_ends(int ends[3]) {
  for (int i = 0; i < 3; i++) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
}

/* @stdio null|pipe|terminal STDIN */
static int make_stdio(const struct record *r, struct ends *x, struct error *e) {
  for (int i = 0; i < 3; i++) x->ours[i] = x->theirs[i] = -1;
  const char *kind = r ? text_of(r, 1) : "null";
  for (int i = 0; i < 3; i++) {
    if (!strcmp(kind, "pipe") && (i > 0 || number_of(r, 2))) {
      int ends[2];
      if (pipe2(ends, O_CLOEXEC) < 0) return fail(e, "pipe", "");
      x->ours[i] = ends[i == 0];
      x->theirs[i] = ends[i != 0];
      if (fcntl(x->ours[i], F_SETFL, O_NONBLOCK) < 0) return fail(e, "pipe", "nonblock");
    } else if ((x->theirs[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) {
      return fail(e, "open", "/dev/null");
    }
  }
  return 0;
}

/* @device-filter DIRECTORY PROGRAM: cgroup v2 asks a program (struct bpf_insn) instead of having files for this. */
static int device_filter(const struct record *r, struct error *e) {
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                         .insn_cnt = r->fields[2].length / (uint32_t)sizeof(struct bpf_insn),
                         .license = (uint64_t)(uintptr_t)"Apache-2.0"};
  struct bpf_insn *copy = malloc(r->fields[2].length + 1); /* fields are not aligned */
  if (!copy) return fail(e, "device-filter", "");
  memcpy(copy, r->fields[2].data, r->fields[2].length);
  load.insns = (uint64_t)(uintptr_t)copy;
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load), result = 0;
  if (program < 0) result = fail(e, "device-filter", "load");
  int directory = open(text_of(r, 1), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (result == 0 && directory < 0) result = fail(e, "open", text_of(r, 1));
  union bpf_attr attach = {.attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
  attach.target_fd = (uint32_t)directory;
  attach.attach_bpf_fd = (uint32_t)program;
  if (result == 0 && syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
    result = fail(e, "device-filter", text_of(r, 1));
  if (directory >= 0) close(directory);
  if (program >= 0) close(program);
  free(copy);
  return result;
}

/* @mkdir PATH, @write PATH VALUE TOLERATE: cgroups, before there is a process. */
static int prepare(struct plan *plan, struct error *e) {
  for (uint32_t i = 0; i < plan->count; i++) {
    const struct record *r = &plan->records[i];
    const char *name = text_of(r, 0), *path = text_of(r, 1);
    if (!strcmp(name, "@mkdir")) {
      /* Whoever a container runs as may read its limits. */
      mode_t mask = umask(0022);
      int made = mkdir(path, 0755);
      umask(mask);
      if (made < 0 && errno != EEXIST) return fail(e, "mkdir", path);
    } else if (!strcmp(name, "@write")) {
      if (write_path(AT_FDCWD, path, text_of(r, 2)) < 0 && !number_of(r, 3)) return fail(e, "write", path);
    } else if (!strcmp(name, "@device-filter")) {
      if (r->count < 3 || device_filter(r, e) < 0) return -1;
    }
  }
  return 0;
}

/* @cgroup PROCS: the child moves before it gets beyond "placed". @oom-score N may be refused; it is 0 without. */
static int place(struct plan *plan, pid_t pid, struct error *e) {
  char text[32], path[64];
  const struct record *score = find_record(plan, "@oom-score");
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  if (write_path(AT_FDCWD, path, score ? text_of(score, 1) : "0") < 0 && errno != EACCES && errno != EPERM)
    return fail(e, "oom-score", path);
  for (uint32_t i = 0; i < plan->count; i++) {
    const struct record *r = &plan->records[i];
    if (strcmp(text_of(r, 0), "@cgroup")) continue;
    snprintf(text, sizeof text, "%d", pid);
    if (write_path(AT_FDCWD, text_of(r, 1), text) < 0) return fail(e, "cgroup", text_of(r, 1));
  }
  return 0;
}

int process_clone(struct plan *plan, struct process *p, int join_pidfd, struct error *e) {
  struct ends x;
  int channel[2] = {-1, -1}, home = -1, result = -1;
  const struct record *flags = find_record(plan, "@clone"), *shared = find_record(plan, "@pid-namespace");
  *p = (struct process){.pid = -1, .pidfd = -1, .sync = -1, .in = -1, .out = -1, .err = -1, .terminal = -1};
  if (make_stdio(find_record(plan, "@stdio"), &x, e) < 0) goto out;
  if (prepare(plan, e) < 0) goto out;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
    fail(e, "socketpair", "");
    goto out;
  }
  if (shared || join_pidfd >= 0) { /* only children are affected, and only until we return */
    home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    int target = shared ? open(text_of(shared, 1), O_RDONLY | O_CLOEXEC) : join_pidfd;
    int joined = home < 0 || target < 0 ? -1 : setns(target, CLONE_NEWPID);
    if (joined < 0) fail(e, "setns", "pid");
    if (shared && target >= 0) close(target);
    if (joined < 0) goto out;
  }
  p->pid = (pid_t)syscall(SYS_clone, (flags ? number_of(flags, 1) : 0) | SIGCHLD, 0, 0, 0, 0);
  if (p->pid == 0) {
    close(channel[0]);
    child(plan, channel[1], x.theirs, join_pidfd);
  }
  if (p->pid < 0) {
    fail(e, "clone", flags ? text_of(flags, 1) : "");
    goto out;
  }
  if (home >= 0 && setns(home, CLONE_NEWPID) < 0) {
    fail(e, "setns", "home");
    goto out;
  }
  if ((p->pidfd = pidfd_open_compat(p->pid)) < 0) {
    fail(e, "pidfd_open", "");
    goto out;
  }
  /* The child builds its root while it is moved: the move waits for other processors, not for this one. */
  if (send(channel[0], "g", 1, MSG_NOSIGNAL) != 1) {
    fail(e, "sync", "send");
    goto out;
  }
  if (place(plan, p->pid, e) < 0) goto out;
  if (find_record(plan, "placed") && send(channel[0], "p", 1, MSG_NOSIGNAL) != 1) {
    /* It has failed meanwhile; process_wait gets its word. */
    if (errno != EPIPE && errno != ECONNRESET) {
      fail(e, "sync", "send");
      goto out;
    }
  }
  p->sync = channel[0];
  channel[0] = -1;
  p->in = x.ours[0];
  p->out = x.ours[1];
  p->err = x.ours[2];
  x.ours[0] = x.ours[1] = x.ours[2] = -1;
  result = 0;
out:
  if (result < 0 && p->pid > 0) {
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    p->pid = -1;
  }
  close_ends(x.ours);
  close_ends(x.theirs);
  for (int i = 0; i < 2; i++)
    if (channel[i] >= 0) close(channel[i]);
  if (home >= 0) close(home);
  return result;
}

int process_wait(struct process *p, bool until_ready, struct error *e) {
  for (;;) {
    int fd;
    char tag;
    ssize_t n = receive_tagged(p->sync, &tag, e, sizeof *e, &fd);
    /* It ended with something of ours unread; its last word is still to be had, once that is cleared. */
    if (n < 0 && errno == ECONNRESET) continue;
    if (n < 0) return fail(e, "sync", "receive");
    if (n == 0) { /* closed by exec, or by death */
      close(p->sync);
      p->sync = -1;
      return 0;
    }
    if (tag == sync_error) return -1;
    if (tag == sync_terminal && fd >= 0) {
      if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return fail(e, "sync", "terminal");
      p->terminal = fd;
    }
    if (tag == sync_ready && until_ready) return 0;
  }
}

int process_start(struct process *p, struct error *e) {
  if (send(p->sync, "g", 1, MSG_NOSIGNAL) != 1) return fail(e, "sync", "send");
  return process_wait(p, false, e);
}
