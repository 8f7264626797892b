/*
 * `forget-udp FLOW...`: deletes UDP connection tracking entries. A FLOW is DESTINATION,PORT,ENDPOINT as the client sent
 * it and where it was rewritten to; "-" stands for any address. ctnetlink, see linux/netfilter/nfnetlink_conntrack.h.
 */
#include "wherry.h"
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct address {
  int length; /* 0: any */
  unsigned char bytes[16];
};
struct flow {
  struct address destination, endpoint;
  uint16_t port;
};
struct tuple {
  const struct nlattr *source, *destination;
  int protocol;
  uint16_t port;
};

static int parse_address(const char *text, struct address *out) {
  out->length = 0;
  if (!strcmp(text, "-")) return 0;
  int v6 = strchr(text, ':') != NULL;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text, out->bytes) != 1) return -1;
  out->length = v6 ? 16 : 4;
  return 0;
}

static int parse_flow(char *text, struct flow *out) {
  char *port = strchr(text, ','), *endpoint = port ? strchr(port + 1, ',') : NULL;
  if (!endpoint) return -1;
  *port++ = 0;
  *endpoint++ = 0;
  char *end;
  long number = strtol(port, &end, 10);
  if (*end || number < 1 || number > 65535) return -1;
  out->port = (uint16_t)number;
  return parse_address(text, &out->destination) < 0 || parse_address(endpoint, &out->endpoint) < 0 ? -1 : 0;
}

static const struct nlattr *find(const void *data, int length, int type) {
  const struct nlattr *a = data;
  while (length >= (int)sizeof *a && a->nla_len >= sizeof *a && a->nla_len <= length) {
    if ((a->nla_type & NLA_TYPE_MASK) == type) return a;
    int step = NLA_ALIGN(a->nla_len);
    a = (const struct nlattr *)((const char *)a + step);
    length -= step;
  }
  return NULL;
}
static const struct nlattr *inside(const struct nlattr *a, int type) {
  return a ? find((const char *)a + NLA_HDRLEN, a->nla_len - NLA_HDRLEN, type) : NULL;
}
static const unsigned char *value(const struct nlattr *a) { return (const unsigned char *)a + NLA_HDRLEN; }

static void read_tuple(const struct nlattr *a, struct tuple *out) {
  const struct nlattr *ip = inside(a, CTA_TUPLE_IP), *proto = inside(a, CTA_TUPLE_PROTO);
  const struct nlattr *number = inside(proto, CTA_PROTO_NUM), *port = inside(proto, CTA_PROTO_DST_PORT);
  out->source = inside(ip, CTA_IP_V4_SRC);
  out->destination = inside(ip, CTA_IP_V4_DST);
  if (!out->source) out->source = inside(ip, CTA_IP_V6_SRC);
  if (!out->destination) out->destination = inside(ip, CTA_IP_V6_DST);
  out->protocol = number ? value(number)[0] : 0;
  out->port = port ? (uint16_t)(value(port)[0] << 8 | value(port)[1]) : 0;
}

static int same(const struct address *wanted, const struct nlattr *a) {
  if (wanted->length == 0) return 1;
  return a && a->nla_len - NLA_HDRLEN == wanted->length && !memcmp(value(a), wanted->bytes, (size_t)wanted->length);
}

static int send_request(int fd, int type, int flags, int family, const struct nlattr *tuple) {
  struct {
    struct nlmsghdr head;
    struct nfgenmsg general;
    char attributes[512];
  } m;
  memset(&m, 0, sizeof m);
  size_t extra = tuple ? NLA_ALIGN(tuple->nla_len) : 0;
  if (extra > sizeof m.attributes) return errno = EMSGSIZE, -1;
  m.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof m.general) + extra);
  m.head.nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
  m.head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
  m.general.nfgen_family = (uint8_t)family;
  m.general.version = NFNETLINK_V0;
  if (tuple) memcpy(m.attributes, tuple, tuple->nla_len);
  return send(fd, &m, m.head.nlmsg_len, 0) < 0 ? -1 : 0;
}

/* Deletes what matches in one family: all entries are read through one socket, deletions go through the other. */
static int forget(int family, const struct flow *flows, int count) {
  int list = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  int remove = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  int result = list < 0 || remove < 0 || send_request(list, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family, NULL) < 0 ? -1 : 0;
  _Alignas(8) static char buffer[65536];
  for (int more = result == 0; more;) {
    ssize_t n = recv(list, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) result = -1;
    if (n <= 0) break;
    unsigned int left = (unsigned int)n;
    for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
      if (h->nlmsg_type == NLMSG_DONE) more = 0;
      if (h->nlmsg_type == NLMSG_ERROR) {
        errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
        if (errno) result = -1;
        more = 0;
      }
      if (h->nlmsg_type < NLMSG_MIN_TYPE) continue;
      const char *data = (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
      int length = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(struct nfgenmsg)));
      const struct nlattr *original = find(data, length, CTA_TUPLE_ORIG);
      struct tuple asked = {0}, answered = {0};
      read_tuple(original, &asked);
      read_tuple(find(data, length, CTA_TUPLE_REPLY), &answered);
      if (asked.protocol != IPPROTO_UDP) continue;
      for (int i = 0; i < count; i++) {
        const struct flow *f = &flows[i];
        if (f->port != asked.port || !same(&f->destination, asked.destination) || !same(&f->endpoint, answered.source)) continue;
        /* It may have ended by itself meanwhile; nobody waits for the answer. */
        if (send_request(remove, IPCTNL_MSG_CT_DELETE, 0, family, original) < 0) result = -1;
        break;
      }
    }
  }
  if (list >= 0) close(list);
  if (remove >= 0) close(remove);
  return result;
}

int forget_udp(int count, char **texts) {
  struct flow *flows = calloc((size_t)count, sizeof *flows);
  if (!flows) return 1;
  for (int i = 0; i < count; i++) {
    if (parse_flow(texts[i], &flows[i]) == 0) continue;
    fprintf(stderr, "wherry-native: forget-udp: flow %d is not DESTINATION,PORT,ENDPOINT\n", i + 1);
    free(flows);
    return 2;
  }
  int result = 0;
  if (forget(AF_INET, flows, count) < 0 || forget(AF_INET6, flows, count) < 0) {
    perror("wherry-native: forget-udp");
    result = 1;
  }
  free(flows);
  return result;
}
