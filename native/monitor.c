/*
 * The keeper of one process: a container's first (the monitor, which outlives wherry) or one exec in it (a fork of the
 * monitor, which ends with its connection). Both are the same loop over the process's streams and the connections.
 *
 * Frames in:  P plan (launch)  W watch  A attach (STDIN)  X exec plan  g go on after "hold"  i stdin  c end of stdin
 *             r resize (COLUMNS ROWS)  s signal (NUMBER ALL)  l reopen log
 * Frames out: R result ("ok" PID STARTED | "error" STEP ERRNO DETAIL)  1 stdout  2 stderr
 *             E exit (CODE SIGNAL OOM STARTED FINISHED)
 */
#include "wherry.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  high_water = 256 << 10, /* bytes waiting for one client before the process is made to wait */
  stall_ms = 10000,       /* a client that takes nothing for so long is dropped */
};

struct client {
  int fd;
  bool attached, watching, feeds, gone;
  struct buffer in, out;
  long long stalled_since; /* 0: not */
};

static struct keeper {
  struct plan *plan;
  struct process process;
  struct log log;
  int listener, signals;
  const char *socket, *exit_file, *oom_file, *procs_file;
  bool is_exec, bound, stdin_once, exited;
  int status;
  long long started;
  struct buffer input; /* waits for the process's stdin */
  bool input_ends;
  struct client *clients;
  size_t count;
} k;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void drop(struct buffer *b, size_t n) {
  memmove(b->data, b->data + n, b->length - n);
  b->length -= n;
  if (!b->length) buffer_free(b);
}

static void flush_client(struct client *c) {
  while (!c->gone && c->out.length) {
    ssize_t n = send(c->fd, c->out.data, c->out.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!c->stalled_since) c->stalled_since = now_ms();
      return;
    }
    if (n < 0) c->gone = true;
    else {
      drop(&c->out, (size_t)n);
      c->stalled_since = 0;
    }
  }
}

static void tell(struct client *c, uint32_t type, const void *data, size_t length) {
  uint32_t head[2] = {(uint32_t)length, type};
  if (c->gone) return;
  buffer_put(&c->out, head, sizeof head);
  buffer_put(&c->out, data, length);
  flush_client(c);
}

static void tell_result(struct client *c, const struct error *e) {
  struct buffer b = {0};
  if (e) put_error(&b, e);
  else {
    put_text(&b, "ok");
    put_number(&b, k.process.pid);
    put_number(&b, k.started);
  }
  tell(c, 'R', b.data, b.length);
  buffer_free(&b);
}

static struct client *add_client(int fd) {
  struct client *grown = realloc(k.clients, (k.count + 1) * sizeof *grown);
  if (!grown) {
    close(fd);
    return NULL;
  }
  k.clients = grown;
  k.clients[k.count] = (struct client){.fd = fd};
  return &k.clients[k.count++];
}

static void close_input(void) {
  if (k.process.terminal >= 0) return;
  if (k.process.in >= 0) close(k.process.in);
  k.process.in = -1;
  buffer_free(&k.input);
}

static void feed(void) {
  int fd = k.process.terminal >= 0 ? k.process.terminal : k.process.in;
  while (fd >= 0 && k.input.length) {
    ssize_t n = write(fd, k.input.data, k.input.length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      buffer_free(&k.input);
      close_input();
      return;
    }
    drop(&k.input, (size_t)n);
  }
  if (fd < 0) buffer_free(&k.input);
  if (k.input_ends && !k.input.length) close_input();
}

static void kill_all(int number) {
  char list[65536];
  if (!k.procs_file) return;
  for (int round = 0; round < 16; round++) {
    ssize_t n = read_path(k.procs_file, list, sizeof list);
    if (n <= 0) return;
    bool any = false;
    for (char *at = list; *at;) {
      pid_t pid = (pid_t)strtol(at, &at, 10);
      while (*at == '\n') at++;
      if (pid <= 0 || pid == k.process.pid) continue;
      any = true;
      kill(pid, number);
    }
    if (!any || number != SIGKILL) return;
  }
}

static void signal_process(int number, bool all) {
  if (k.exited) return;
  if (all) kill_all(number);
  if (k.is_exec && number == SIGKILL) kill(-k.process.pid, SIGKILL);
  syscall(SYS_pidfd_send_signal, k.process.pidfd, number, NULL, 0);
}

static void client_left(struct client *c) {
  bool fed = c->feeds;
  close(c->fd);
  buffer_free(&c->in);
  buffer_free(&c->out);
  if (k.bound && c == &k.clients[0]) {
    k.bound = false;
    signal_process(SIGKILL, true);
  }
  if (fed && (k.stdin_once || k.is_exec)) {
    k.input_ends = true;
    feed();
  }
}

static void remove_gone(void) {
  size_t kept = 0;
  for (size_t i = 0; i < k.count; i++) {
    if (k.clients[i].gone) client_left(&k.clients[i]);
    else {
      /* The launch connection stays first as long as the process is bound to it. */
      k.clients[kept++] = k.clients[i];
    }
  }
  k.count = kept;
}

static _Noreturn void exec_session(int connection, char *data, size_t length, struct buffer *rest);

static void start_exec(struct client *c, char *data, size_t length) {
  pid_t pid = fork();
  if (pid == 0) {
    struct buffer rest = c->in;
    int connection = c->fd;
    c->in = (struct buffer){0};
    for (size_t i = 0; i < k.count; i++)
      if (k.clients[i].fd != connection) close(k.clients[i].fd);
    exec_session(connection, data, length, &rest);
  }
  if (pid < 0) {
    struct error e = {0};
    fail(&e, "fork", "exec");
    tell_result(c, &e);
  }
  c->gone = true; /* the fork owns the connection now */
}

static void handle(struct client *c, uint32_t type, char *data, size_t length) {
  struct record r = {0};
  struct error e = {0};
  if (type == 'i') {
    if (k.process.in >= 0 || k.process.terminal >= 0) {
      buffer_put(&k.input, data, length);
      feed();
    }
    return;
  }
  if (type == 'X' && !k.is_exec) {
    start_exec(c, data, length);
    return;
  }
  if (parse_fields(data, length, &r) < 0) {
    c->gone = true;
    free(r.fields);
    return;
  }
  switch (type) {
  case 'W':
    c->watching = true;
    tell_result(c, NULL);
    break;
  case 'A':
    c->attached = c->watching = true;
    c->feeds = number_of(&r, 0);
    tell_result(c, NULL);
    break;
  case 'c':
    if (k.is_exec || k.stdin_once) {
      k.input_ends = true;
      feed();
    }
    break;
  case 'r': {
    struct winsize size = {.ws_col = (unsigned short)number_of(&r, 0), .ws_row = (unsigned short)number_of(&r, 1)};
    if (k.process.terminal >= 0) ioctl(k.process.terminal, TIOCSWINSZ, &size);
    break;
  }
  case 's':
    signal_process((int)number_of(&r, 0), number_of(&r, 1));
    tell_result(c, NULL);
    break;
  case 'l':
    if (k.log.path && log_open(&k.log) < 0) {
      fail(&e, "log", k.log.path);
      tell_result(c, &e);
    } else {
      tell_result(c, NULL);
    }
    break;
  case 'g':
    if (k.process.sync >= 0 && process_start(&k.process, &e) < 0) tell_result(c, &e);
    else tell_result(c, NULL);
    break;
  default: c->gone = true;
  }
  free(r.fields);
}

static void read_client(size_t index) {
  char data[16384];
  struct client *c = &k.clients[index];
  ssize_t n = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    c->gone = true;
    return;
  }
  buffer_put(&c->in, data, (size_t)n);
  while (!c->gone && c->in.length >= 8) {
    uint32_t head[2];
    memcpy(head, c->in.data, sizeof head);
    if (head[0] > frame_limit) {
      c->gone = true;
      return;
    }
    if (c->in.length < 8 + (size_t)head[0]) return;
    char *frame = malloc(head[0] + 1);
    if (!frame) _exit(70);
    memcpy(frame, c->in.data + 8, head[0]);
    frame[head[0]] = 0;
    drop(&c->in, 8 + (size_t)head[0]);
    handle(c, head[1], frame, head[0]);
    free(frame);
  }
}

static bool clients_full(void) {
  for (size_t i = 0; i < k.count; i++)
    if (k.clients[i].attached && k.clients[i].out.length > high_water) return true;
  return false;
}

/* False at the end of the stream. */
static bool take_output(int *fd, int stream, bool *again) {
  static char data[16384];
  ssize_t n = read(*fd, data, sizeof data);
  *again = n > 0;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n <= 0) {
    close(*fd);
    *fd = -1;
    return false;
  }
  if (k.log.path) log_write(&k.log, stream, data, (size_t)n);
  for (size_t i = 0; i < k.count; i++)
    if (k.clients[i].attached) tell(&k.clients[i], stream ? '2' : '1', data, (size_t)n);
  return true;
}

static bool reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == k.process.pid) {
      k.exited = true;
      k.status = status;
    }
  return k.exited;
}

static bool was_oom(void) {
  char text[4096];
  if (!k.oom_file || read_path(k.oom_file, text, sizeof text) < 0) return false;
  char *line = strncmp(text, "oom_kill ", 9) ? strstr(text, "\noom_kill ") : text;
  if (!line) return false;
  return strtoll(strchr(line, ' '), NULL, 10) > 0;
}

/* What was written before the end is in the pipes by now; a terminal hands it on a little later, up to its hang-up. */
static void drain(void) {
  bool again;
  for (int stream = 0; stream < 2; stream++) {
    int *fd = stream ? &k.process.err : &k.process.out;
    while (*fd >= 0 && take_output(fd, stream, &again) && again) {}
    log_end(&k.log, stream);
  }
  while (k.process.terminal >= 0) {
    struct pollfd p = {.fd = k.process.terminal, .events = POLLIN};
    if (poll(&p, 1, 200) <= 0 || !take_output(&k.process.terminal, 0, &again)) break;
  }
  log_end(&k.log, 0);
}

static void write_exit_file(int code, int number, bool oom, long long finished) {
  char text[256], temporary[4096];
  if (!k.exit_file) return;
  int n = snprintf(text, sizeof text, "{\"exitCode\":%d,\"signal\":%d,\"oomKilled\":%s,\"startedAt\":\"%lld\",\"finishedAt\":\"%lld\"}\n",
                   code, number, oom ? "true" : "false", k.started, finished);
  if (snprintf(temporary, sizeof temporary, "%s.new", k.exit_file) >= (int)sizeof temporary) return;
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  int result = write_all(fd, text, (size_t)n);
  if (close(fd) < 0 || result < 0) {
    unlink(temporary);
    return;
  }
  rename(temporary, k.exit_file);
}

static _Noreturn void finish(void) {
  int number = WIFSIGNALED(k.status) ? WTERMSIG(k.status) : 0;
  int code = number ? 128 + number : WEXITSTATUS(k.status);
  if (!k.is_exec) kill_all(SIGKILL);
  drain();
  bool oom = was_oom();
  long long finished = realtime_nanoseconds();
  write_exit_file(code, number, oom, finished);
  if (k.socket) unlink(k.socket);
  struct buffer b = {0};
  put_number(&b, code);
  put_number(&b, number);
  put_number(&b, oom);
  put_number(&b, k.started);
  put_number(&b, finished);
  for (size_t i = 0; i < k.count; i++)
    if (k.clients[i].watching) tell(&k.clients[i], 'E', b.data, b.length);
  long long deadline = now_ms() + stall_ms;
  for (size_t i = 0; i < k.count; i++)
    while (!k.clients[i].gone && k.clients[i].out.length && now_ms() < deadline) {
      struct pollfd p = {.fd = k.clients[i].fd, .events = POLLOUT};
      if (poll(&p, 1, 1000) < 0 && errno != EINTR) break;
      flush_client(&k.clients[i]);
    }
  /* Closed with input unread, a connection is reset, and with it goes what its other end has not read yet: the end of
     the output and the exit code. So input is read until the client has left too. */
  for (size_t i = 0; i < k.count; i++) {
    char unread[16384];
    struct client *c = &k.clients[i];
    if (c->gone || !c->feeds || shutdown(c->fd, SHUT_WR) < 0) continue;
    while (now_ms() < deadline) {
      struct pollfd p = {.fd = c->fd, .events = POLLIN};
      if (poll(&p, 1, 1000) < 0 && errno != EINTR) break;
      ssize_t got = recv(c->fd, unread, sizeof unread, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
    }
  }
  _exit(0);
}

static void accept_client(void) {
  int fd = accept4(k.listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0) add_client(fd);
}

/* The loop: whoever is ready is served; nothing here waits for anything else. */
static _Noreturn void keep(void) {
  for (;;) {
    size_t n = 0, clients;
    struct pollfd fds[5 + k.count];
    bool full = clients_full();
    int outputs[2] = {k.process.terminal >= 0 ? k.process.terminal : k.process.out, k.process.err};
    fds[n++] = (struct pollfd){.fd = k.signals, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = k.listener, .events = POLLIN};
    for (int i = 0; i < 2; i++) fds[n++] = (struct pollfd){.fd = full ? -1 : outputs[i], .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = k.input.length ? (k.process.terminal >= 0 ? k.process.terminal : k.process.in) : -1, .events = POLLOUT};
    clients = n;
    bool stalled = false;
    for (size_t i = 0; i < k.count; i++) {
      struct client *c = &k.clients[i];
      stalled = stalled || c->stalled_since;
      fds[n++] = (struct pollfd){.fd = c->fd,
                                 .events = (short)((k.input.length > high_water && c->feeds ? 0 : POLLIN) | (c->out.length ? POLLOUT : 0))};
    }
    size_t polled = k.count;
    if (poll(fds, n, stalled ? 1000 : -1) < 0 && errno != EINTR) _exit(74);
    if (fds[0].revents) {
      struct signalfd_siginfo info;
      while (read(k.signals, &info, sizeof info) > 0) {}
      if (reap()) finish();
    }
    bool again;
    if (fds[2].revents) {
      int *fd = k.process.terminal >= 0 ? &k.process.terminal : &k.process.out;
      take_output(fd, 0, &again);
    }
    if (fds[3].revents) take_output(&k.process.err, 1, &again);
    if (fds[4].revents) feed();
    for (size_t i = 0; i < polled; i++) {
      short events = fds[clients + i].revents;
      if (events & POLLOUT) flush_client(&k.clients[i]);
      if (events & (POLLIN | POLLHUP | POLLERR)) read_client(i);
      if (k.clients[i].stalled_since && now_ms() - k.clients[i].stalled_since > stall_ms) k.clients[i].gone = true;
    }
    remove_gone();
    if (fds[1].revents) accept_client();
  }
}

static int watch_children(struct error *e) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return fail(e, "sigprocmask", "");
  k.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return k.signals < 0 ? fail(e, "signalfd", "") : 0;
}

static int listen_at(const char *path, struct error *e) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return fail_with(e, ENAMETOOLONG, "socket", path);
  strcpy(address.sun_path, path);
  unlink(path);
  umask(0077);
  k.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (k.listener < 0 || bind(k.listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(k.listener, 64) < 0)
    return fail(e, "socket", path);
  return 0;
}

static _Noreturn void refuse(struct client *c, const struct error *e) {
  tell_result(c, e);
  if (k.socket) unlink(k.socket);
  long long deadline = now_ms() + 1000;
  while (!c->gone && c->out.length && now_ms() < deadline) {
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    if (poll(&p, 1, 100) < 0 && errno != EINTR) break;
    flush_client(c);
  }
  _exit(1);
}

static const char *path_in(const char *name, uint32_t index) {
  const struct record *r = find_record(k.plan, name);
  const char *path = r ? text_of(r, index) : "";
  return *path ? path : NULL;
}

static void start(struct client *c, int join_pidfd) {
  struct error e = {0};
  if (watch_children(&e) < 0 || process_clone(k.plan, &k.process, join_pidfd, &e) < 0) refuse(c, &e);
  k.started = realtime_nanoseconds();
  if (process_wait(&k.process, find_record(k.plan, "hold") != NULL, &e) < 0) {
    waitpid(k.process.pid, NULL, 0);
    refuse(c, &e);
  }
  tell_result(c, NULL);
}

static _Noreturn void exec_session(int connection, char *data, size_t length, struct buffer *rest) {
  struct plan plan;
  struct error e = {0};
  int container = k.process.pidfd;
  if (k.listener >= 0) close(k.listener);
  if (k.log.fd >= 0) close(k.log.fd);
  if (k.signals >= 0) close(k.signals);
  int held[] = {k.process.in, k.process.out, k.process.err, k.process.terminal};
  for (int i = 0; i < 4; i++)
    if (held[i] >= 0) close(held[i]);
  k = (struct keeper){.plan = &plan, .listener = -1, .signals = -1, .is_exec = true, .log.fd = -1};
  prctl(PR_SET_NAME, "wherry-exec");
  struct client *c = add_client(connection);
  if (!c) _exit(70);
  if (parse_plan(data, length, &plan) < 0) {
    fail(&e, "plan", "");
    refuse(c, &e);
  }
  start(c, container);
  k.bound = c->attached = c->watching = c->feeds = true;
  c->in = *rest;
  if (rest->length) { /* frames that came together with the plan */
    while (c->in.length >= 8) {
      uint32_t head[2];
      memcpy(head, c->in.data, sizeof head);
      if (head[0] > frame_limit || c->in.length < 8 + (size_t)head[0]) break;
      char *frame = malloc(head[0] + 1);
      if (!frame) _exit(70);
      memcpy(frame, c->in.data + 8, head[0]);
      frame[head[0]] = 0;
      drop(&c->in, 8 + (size_t)head[0]);
      handle(c, head[1], frame, head[0]);
      free(frame);
    }
  }
  keep();
}

_Noreturn void monitor(int connection) {
  uint32_t type;
  size_t length;
  struct error e = {0};
  struct plan plan = {0};
  k.plan = &plan; /* field by field: the log's line buffers stay untouched pages until they are used */
  k.listener = k.signals = k.log.fd = -1;
  char *data = receive_frame(connection, &type, &length);
  struct client *c = data ? add_client(connection) : NULL;
  if (!c || type != 'P') _exit(1);
  if (parse_plan(data, length, &plan) < 0) {
    fail(&e, "plan", "");
    refuse(c, &e);
  }
  prctl(PR_SET_NAME, "wherry-monitor");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
    fail(&e, "subreaper", "");
    refuse(c, &e);
  }
  k.exit_file = path_in("@monitor", 2);
  k.oom_file = path_in("@oom", 1);
  k.procs_file = path_in("@procs", 1);
  k.log.path = (char *)path_in("@log", 1);
  k.stdin_once = path_in("@stdin-once", 0) != NULL;
  const char *socket_path = path_in("@monitor", 1);
  if (socket_path && listen_at(socket_path, &e) < 0) refuse(c, &e);
  k.socket = socket_path;
  if (k.log.path && log_open(&k.log) < 0) {
    fail(&e, "log", k.log.path);
    refuse(c, &e);
  }
  if (find_record(&plan, "@attach")) c->attached = c->feeds = true;
  start(c, -1);
  c->watching = true;
  k.bound = find_record(&plan, "@bound") != NULL;
  keep();
}
