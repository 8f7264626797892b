/* A netlink request in one buffer, and the talk with the kernel. rtnetlink(7), netlink(7). */
#ifndef WHERRY_NETLINK_H
#define WHERRY_NETLINK_H
#include "wherry.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct netlink {
  int fd;
  uint32_t sequence;
};
struct message {
  _Alignas(8) char data[4096];
};
static inline struct nlmsghdr *head_of(struct message *m) { return (struct nlmsghdr *)m->data; }

int netlink_open(struct netlink *n, struct error *e);
void netlink_close(struct netlink *n);
/* Opened inside the namespace; the thread itself is back home when this returns. */
int netlink_open_in(struct netlink *n, const char *netns, struct error *e);
void message_start(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t size);
void message_put(struct message *m, uint16_t type, const void *data, size_t length);
void message_text(struct message *m, uint16_t type, const char *text);
void message_u32(struct message *m, uint16_t type, uint32_t value);
size_t message_nest(struct message *m, uint16_t type);
void message_end(struct message *m, size_t nest);
/* Sends and waits for the acknowledgement; -1 with errno when the kernel refuses. */
int netlink_ask(struct netlink *n, struct message *m);
typedef int each(const struct nlmsghdr *h, void *context);
int netlink_dump(struct netlink *n, struct message *m, each *take, void *context);
/* One question with one answer; the message must ask for an acknowledgement. */
int netlink_query(struct netlink *n, struct message *m, each *take, void *context);
/* 0 when there is no such link (errno ENODEV). */
int link_index(struct netlink *n, const char *name);
#endif
