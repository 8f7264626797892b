#include "netlink.h"
#include <linux/if.h>
#include <sys/socket.h>
#include <unistd.h>

int netlink_open(struct netlink *n, struct error *e) {
  *n = (struct netlink){.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), .sequence = 1};
  if (n->fd < 0) return fail(e, "netlink", "socket");
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  int one = 1;
  setsockopt(n->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
  if (bind(n->fd, (struct sockaddr *)&address, sizeof address) < 0) {
    fail(e, "netlink", "bind");
    close(n->fd);
    return -1;
  }
  return 0;
}

int netlink_open_in(struct netlink *n, const char *netns, struct error *e) {
  if (enter_netns(netns, e) < 0) return -1;
  int result = netlink_open(n, e);
  if (*netns) leave_netns();
  return result;
}

void netlink_close(struct netlink *n) { close(n->fd); }

void message_start(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t size) {
  memset(m->data, 0, NLMSG_SPACE(size));
  *head_of(m) = (struct nlmsghdr){
      .nlmsg_len = (uint32_t)NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
  memcpy(NLMSG_DATA(head_of(m)), body, size);
}

void message_put(struct message *m, uint16_t type, const void *data, size_t length) {
  size_t at = NLMSG_ALIGN(head_of(m)->nlmsg_len);
  if (at + RTA_SPACE(length) > sizeof m->data) _exit(73); /* requests are bounded by their callers */
  struct rtattr *a = (struct rtattr *)(m->data + at);
  memset(a, 0, RTA_SPACE(length));
  a->rta_type = type;
  a->rta_len = (unsigned short)RTA_LENGTH(length);
  if (length) memcpy(RTA_DATA(a), data, length);
  head_of(m)->nlmsg_len = (uint32_t)(at + RTA_LENGTH(length));
}

void message_text(struct message *m, uint16_t type, const char *text) { message_put(m, type, text, strlen(text) + 1); }
void message_u32(struct message *m, uint16_t type, uint32_t value) { message_put(m, type, &value, 4); }

size_t message_nest(struct message *m, uint16_t type) {
  size_t at = NLMSG_ALIGN(head_of(m)->nlmsg_len);
  message_put(m, type, NULL, 0);
  return at;
}

void message_end(struct message *m, size_t nest) {
  struct rtattr *a = (struct rtattr *)(m->data + nest);
  a->rta_len = (unsigned short)(head_of(m)->nlmsg_len - nest);
}

static int receive(struct netlink *n, uint32_t sequence, each *take, void *context) {
  static _Alignas(8) char data[32768];
  bool interrupted = false;
  for (;;) {
    ssize_t length = recv(n->fd, data, sizeof data, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return -1;
    for (struct nlmsghdr *h = (struct nlmsghdr *)data; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
      if (h->nlmsg_seq != sequence) continue;
      if (h->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
      if (h->nlmsg_type == NLMSG_ERROR) {
        int code = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
        if (code == 0) return 0;
        errno = code;
        return -1;
      }
      if (h->nlmsg_type == NLMSG_DONE) {
        if (!interrupted) return 0;
        errno = EAGAIN;
        return -1;
      }
      if (take && take(h, context) < 0) return -1;
    }
  }
}

static int send_message(struct netlink *n, struct message *m) {
  head_of(m)->nlmsg_seq = ++n->sequence;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent =
      sendto(n->fd, m->data, head_of(m)->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
  return sent < 0 ? -1 : 0;
}

int netlink_ask(struct netlink *n, struct message *m) {
  head_of(m)->nlmsg_flags |= NLM_F_ACK;
  if (send_message(n, m) < 0) return -1;
  return receive(n, head_of(m)->nlmsg_seq, NULL, NULL);
}

int netlink_dump(struct netlink *n, struct message *m, each *take, void *context) {
  head_of(m)->nlmsg_flags |= NLM_F_DUMP;
  if (send_message(n, m) < 0) return -1;
  return receive(n, head_of(m)->nlmsg_seq, take, context);
}

int netlink_query(struct netlink *n, struct message *m, each *take, void *context) {
  if (send_message(n, m) < 0) return -1;
  return receive(n, head_of(m)->nlmsg_seq, take, context);
}

static int take_index(const struct nlmsghdr *h, void *context) {
  if (h->nlmsg_type == RTM_NEWLINK) *(int *)context = ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
  return 0;
}

int link_index(struct netlink *n, const char *name) {
  struct message m;
  struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
  int index = 0;
  if (!*name || strlen(name) >= IFNAMSIZ) {
    errno = ENODEV;
    return 0;
  }
  message_start(&m, RTM_GETLINK, NLM_F_ACK, &info, sizeof info);
  message_text(&m, IFLA_IFNAME, name);
  if (netlink_query(n, &m, take_index, &index) < 0) return 0;
  return index;
}
