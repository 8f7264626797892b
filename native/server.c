/*
 * The persistent helper. Requests are frames on standard input, answered in order on standard output; the frame's type
 * is the request's number. A connection to the launch socket is handed to a fork, which becomes a container's monitor.
 * It ends when standard input does; monitors live on.
 */
#include "wherry.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
  const char *name;
  uint32_t least;
  operation *run;
} operations[] = {
    {"ping", 1, op_ping},
    {"namespaces.create", 4, op_namespaces_create},
    {"namespace.delete", 2, op_namespace_delete},
    {"bridge", 4, op_bridge},
    {"veth", 9, op_veth},
    {"link.delete", 3, op_link_delete},
    {"link.set", 7, op_link_set},
    {"links", 2, op_links},
    {"address.add", 4, op_address_add},
    {"address.delete", 4, op_address_delete},
    {"route.add", 5, op_route_add},
    {"route.delete", 5, op_route_delete},
    {"routes", 2, op_routes},
    {"sysctl.set", 3, op_sysctl_set},
    {"sysctl.get", 2, op_sysctl_get},
    {"mount", 6, op_mount},
    {"umount", 3, op_umount},
    {"bind", 6, op_bind},
    {"overlay", 5, op_overlay},
    {"layers.read", 3, op_layers_read},
    {"files", 1, op_files},
    {"cgroup.warm", 2, op_cgroup_warm},
};

int op_ping(const struct record *args, struct buffer *reply, struct error *e) {
  (void)args, (void)e;
  put_number(reply, getpid());
  return 0;
}

static void run(struct record *args, struct buffer *reply) {
  struct error e = {0};
  size_t i = 0, count = sizeof operations / sizeof operations[0];
  while (i < count && strcmp(operations[i].name, text_of(args, 0))) i++;
  put_text(reply, "ok");
  int result;
  if (i == count) result = fail_with(&e, ENOSYS, "operation", text_of(args, 0));
  else if (args->count < operations[i].least) result = fail_with(&e, EINVAL, "operation", text_of(args, 0));
  else result = operations[i].run(args, reply, &e);
  if (result < 0) {
    reply->length = 0;
    put_error(reply, &e);
  }
}

static int answer(void) {
  uint32_t number;
  size_t length;
  char *data = receive_frame(0, &number, &length);
  if (!data) return -1;
  struct record args = {0};
  struct buffer reply = {0};
  if (parse_fields(data, length, &args) < 0) {
    struct error e = {0};
    fail(&e, "request", "");
    put_error(&reply, &e);
  } else {
    run(&args, &reply);
  }
  int result = send_frame(1, number, reply.data, reply.length);
  free(args.fields);
  free(data);
  buffer_free(&reply);
  return result;
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 512) < 0) return -1;
  return fd;
}

static void launch(int listener) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return;
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGCHLD, SIG_DFL);
    close(listener);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(71);
    close(null);
    if (connection != 3) {
      if (dup3(connection, 3, O_CLOEXEC) < 0) _exit(71);
      connection = 3;
    }
    if (close_range(4, ~0U, 0) < 0) _exit(71);
    setsid();
    monitor(connection);
  }
  if (pid < 0) {
    struct error e = {0};
    struct buffer reply = {0};
    fail(&e, "fork", "monitor");
    put_error(&reply, &e);
    send_frame(connection, 'R', reply.data, reply.length);
    buffer_free(&reply);
  }
  close(connection);
}

int serve(const char *socket_path) {
  umask(0077);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_IGN); /* monitors answer for themselves */
  signal(SIGINT, SIG_IGN);  /* a terminal's ^C is for wherry, which then closes our input */
  if (prctl(PR_SET_DUMPABLE, 0) < 0) return 1;
  prctl(PR_SET_NAME, "wherry-native");
  /* Whoever keeps containers goes last when memory is short; not everybody may say so. Containers get their own score. */
  write_path(AT_FDCWD, "/proc/self/oom_score_adj", "-999");
  int listener = listen_at(socket_path);
  if (listener < 0) {
    fprintf(stderr, "wherry-native: %s: %s\n", socket_path, strerror(errno));
    return 1;
  }
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
  for (;;) {
    if (poll(fds, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return 1;
    }
    if (fds[1].revents) launch(listener);
    if (fds[0].revents && answer() < 0) break;
  }
  unlink(socket_path);
  return 0;
}
