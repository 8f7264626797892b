/* connect PORT: a connection to the loopback of the network namespace the child is in, between stdin and stdout. */
#include "wherry.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_loopback(uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&v4, sizeof v4) == 0) return fd;
  int saved = errno;
  close(fd);
  fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&v6, sizeof v6) == 0) return fd;
  if (fd >= 0) close(fd);
  errno = saved;
  return -1;
}

/* Moves what is there; false at the end. */
static bool move(int from, int to) {
  char data[65536];
  ssize_t n = read(from, data, sizeof data);
  if (n < 0 && errno == EINTR) return true;
  return n > 0 && write_all(to, data, (size_t)n) == 0;
}

int relay_step(struct init_context *c, const struct record *r, struct error *e) {
  int fd = connect_loopback((uint16_t)number_of(r, 1));
  if (fd < 0) return fail(e, "connect", text_of(r, 1));
  prctl(PR_SET_NAME, "wherry-relay");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail(e, "pdeathsig", "");
  signal(SIGPIPE, SIG_IGN);
  close(c->sync); /* the parent takes this for a successful start */
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  for (;;) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) _exit(1);
    if (fds[1].revents && !move(fd, 1)) _exit(0);
    if (fds[0].revents && !move(0, fd)) { /* the client said all it had to say; the answer may still come */
      shutdown(fd, SHUT_WR);
      fds[0].fd = -1;
    }
  }
}
