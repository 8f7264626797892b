/* Links, addresses and routes. Arguments are text; an empty network namespace is our own. */
#include "netlink.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <unistd.h>

struct prefix {
  uint8_t family, bits, size;
  uint8_t bytes[16];
};

static int parse_prefix(const char *text, struct prefix *p) {
  char copy[64];
  if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy) goto bad;
  char *slash = strchr(copy, '/');
  if (slash) *slash++ = 0;
  p->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
  p->size = p->family == AF_INET ? 4 : 16;
  if (inet_pton(p->family, copy, p->bytes) != 1) goto bad;
  long bits = slash ? strtol(slash, NULL, 10) : p->size * 8;
  if (bits < 0 || bits > p->size * 8) goto bad;
  p->bits = (uint8_t)bits;
  return 0;
bad:
  errno = EINVAL;
  return -1;
}

static int parse_mac(const char *text, uint8_t mac[6]) {
  unsigned part[6];
  char end;
  if (sscanf(text, "%x:%x:%x:%x:%x:%x%c", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5], &end) != 6) {
    errno = EINVAL;
    return -1;
  }
  for (int i = 0; i < 6; i++) mac[i] = (uint8_t)part[i];
  return 0;
}

static bool is_name(const char *name) { return *name && strlen(name) < IFNAMSIZ; }

static int set_flags(struct netlink *n, int index, bool up) {
  struct message m;
  struct ifinfomsg info = {.ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = IFF_UP};
  message_start(&m, RTM_NEWLINK, 0, &info, sizeof info);
  return netlink_ask(n, &m);
}

int loopback_up(struct error *e) {
  struct netlink n;
  if (netlink_open(&n, e) < 0) return -1;
  int result = set_flags(&n, 1, true) < 0 ? fail(e, "link-up", "lo") : 0;
  netlink_close(&n);
  return result;
}

static int change_address(struct netlink *n, uint16_t type, int index, const char *text) {
  struct prefix p;
  if (parse_prefix(text, &p) < 0) return -1;
  struct message m;
  struct ifaddrmsg info = {.ifa_family = p.family, .ifa_prefixlen = p.bits, .ifa_index = (uint32_t)index};
  message_start(&m, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof info);
  message_put(&m, IFA_LOCAL, p.bytes, p.size);
  message_put(&m, IFA_ADDRESS, p.bytes, p.size);
  if (type == RTM_NEWADDR && p.family == AF_INET && p.bits < 31) {
    uint32_t broadcast;
    memcpy(&broadcast, p.bytes, 4);
    broadcast |= htonl(0xffffffffU >> p.bits);
    message_put(&m, IFA_BROADCAST, &broadcast, 4);
  }
  /* Addresses are handed out once; waiting for duplicates would keep the pod unreachable for a second. */
  if (type == RTM_NEWADDR && p.family == AF_INET6) message_u32(&m, IFA_FLAGS, IFA_F_NODAD);
  int result = netlink_ask(n, &m);
  return result < 0 && type == RTM_NEWADDR && errno == EEXIST ? 0 : result;
}

static int change_route(struct netlink *n, uint16_t type, const char *dst, const char *gw, int index) {
  struct prefix to, via = {0};
  if (parse_prefix(dst, &to) < 0 || (*gw && parse_prefix(gw, &via) < 0)) return -1;
  if (*gw && via.family != to.family) {
    errno = EINVAL;
    return -1;
  }
  struct message m;
  struct rtmsg info = {.rtm_family = to.family,
                       .rtm_dst_len = to.bits,
                       .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = RTPROT_STATIC,
                       .rtm_type = RTN_UNICAST,
                       .rtm_scope = *gw || to.family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK};
  if (type == RTM_DELROUTE) {
    info.rtm_scope = RT_SCOPE_NOWHERE;
    info.rtm_protocol = 0;
  }
  message_start(&m, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof info);
  if (to.bits) message_put(&m, RTA_DST, to.bytes, to.size);
  if (*gw) message_put(&m, RTA_GATEWAY, via.bytes, via.size);
  if (index) message_u32(&m, RTA_OIF, (uint32_t)index);
  int result = netlink_ask(n, &m);
  return result < 0 && type == RTM_NEWROUTE && errno == EEXIST ? 0 : result;
}

static int set_hairpin(struct netlink *n, int index, bool on) {
  struct message m;
  struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = index};
  uint8_t value = on;
  message_start(&m, RTM_SETLINK, 0, &info, sizeof info);
  size_t nest = message_nest(&m, IFLA_PROTINFO | NLA_F_NESTED);
  message_put(&m, IFLA_BRPORT_MODE, &value, 1);
  message_end(&m, nest);
  return netlink_ask(n, &m);
}

/* bridge NAME MTU MAC [ADDRESS]...; 0 and "" leave MTU and MAC to the kernel. */
int op_bridge(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  const char *name = text_of(args, 1);
  uint8_t mac[6];
  if (!is_name(name)) return fail_with(e, EINVAL, "name", name);
  if (*text_of(args, 3) && parse_mac(text_of(args, 3), mac) < 0) return fail(e, "mac", text_of(args, 3));
  struct netlink n;
  if (netlink_open(&n, e) < 0) return -1;
  struct message m;
  struct ifinfomsg info = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  int result = 0, index = link_index(&n, name);
  info.ifi_index = index;
  message_start(&m, RTM_NEWLINK, index ? 0 : NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
  if (!index) message_text(&m, IFLA_IFNAME, name);
  if (number_of(args, 2)) message_u32(&m, IFLA_MTU, (uint32_t)number_of(args, 2));
  if (*text_of(args, 3)) message_put(&m, IFLA_ADDRESS, mac, 6);
  if (!index) {
    size_t nest = message_nest(&m, IFLA_LINKINFO);
    message_text(&m, IFLA_INFO_KIND, "bridge");
    message_end(&m, nest);
  }
  if (netlink_ask(&n, &m) < 0) result = fail(e, "bridge", name);
  if (result == 0 && !index && !(index = link_index(&n, name))) result = fail(e, "bridge", name);
  for (uint32_t i = 4; result == 0 && i < args->count; i++)
    if (change_address(&n, RTM_NEWADDR, index, text_of(args, i)) < 0) result = fail(e, "address", text_of(args, i));
  netlink_close(&n);
  return result;
}

struct link_answer {
  uint8_t mac[6];
};

static int take_mac(const struct nlmsghdr *h, void *context) {
  if (h->nlmsg_type != RTM_NEWLINK) return 0;
  int length = (int)IFLA_PAYLOAD(h);
  for (struct rtattr *a = IFLA_RTA(NLMSG_DATA(h)); RTA_OK(a, length); a = RTA_NEXT(a, length))
    if (a->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(a) == 6) memcpy(((struct link_answer *)context)->mac, RTA_DATA(a), 6);
  return 0;
}

static int put_mac(struct netlink *n, int index, struct buffer *reply) {
  struct message m;
  struct ifinfomsg info = {.ifi_index = index};
  struct link_answer answer = {0};
  message_start(&m, RTM_GETLINK, NLM_F_ACK, &info, sizeof info);
  if (netlink_query(n, &m, take_mac, &answer) < 0) return -1;
  char text[18];
  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", answer.mac[0], answer.mac[1], answer.mac[2],
           answer.mac[3], answer.mac[4], answer.mac[5]);
  put_text(reply, text);
  return 0;
}

/*
 * veth HOSTNAME BRIDGE HAIRPIN MTU NETNS NAME MAC NADDRESSES [ADDRESS]... [DST GW]...
 * The peer is born inside the namespace and up; nothing of it is ever seen outside.
 */
int op_veth(const struct record *args, struct buffer *reply, struct error *e) {
  const char *host = text_of(args, 1), *bridge = text_of(args, 2), *netns = text_of(args, 5), *name = text_of(args, 6);
  uint32_t mtu = (uint32_t)number_of(args, 4), addresses = (uint32_t)number_of(args, 8);
  uint8_t mac[6];
  if (!is_name(host)) return fail_with(e, EINVAL, "name", host);
  if (!is_name(name)) return fail_with(e, EINVAL, "name", name);
  if (addresses > args->count - 9) return fail_with(e, EINVAL, "addresses", "");
  if (*text_of(args, 7) && parse_mac(text_of(args, 7), mac) < 0) return fail(e, "mac", text_of(args, 7));
  struct netlink outside = {.fd = -1}, inside = {.fd = -1};
  if (netlink_open(&outside, e) < 0) return -1;
  int result = -1, master = 0, index = 0, target = open(netns, O_RDONLY | O_CLOEXEC);
  if (target < 0) {
    fail(e, "open", netns);
    goto out;
  }
  if (*bridge && !(master = link_index(&outside, bridge))) {
    fail(e, "bridge", bridge);
    goto out;
  }
  struct message m;
  struct ifinfomsg info = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  message_start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
  message_text(&m, IFLA_IFNAME, host);
  if (mtu) message_u32(&m, IFLA_MTU, mtu);
  if (master) message_u32(&m, IFLA_MASTER, (uint32_t)master);
  size_t kind = message_nest(&m, IFLA_LINKINFO);
  message_text(&m, IFLA_INFO_KIND, "veth");
  size_t data = message_nest(&m, IFLA_INFO_DATA), peer = message_nest(&m, VETH_INFO_PEER);
  memset(m.data + NLMSG_ALIGN(head_of(&m)->nlmsg_len), 0, sizeof info); /* it cannot be up before it has a peer */
  head_of(&m)->nlmsg_len = (uint32_t)(NLMSG_ALIGN(head_of(&m)->nlmsg_len) + sizeof info);
  message_text(&m, IFLA_IFNAME, name);
  if (mtu) message_u32(&m, IFLA_MTU, mtu);
  if (*text_of(args, 7)) message_put(&m, IFLA_ADDRESS, mac, 6);
  message_u32(&m, IFLA_NET_NS_FD, (uint32_t)target);
  message_end(&m, peer);
  message_end(&m, data);
  message_end(&m, kind);
  if (netlink_ask(&outside, &m) < 0) {
    fail(e, "veth", host);
    goto out;
  }
  result = 0;
  int host_index = link_index(&outside, host);
  if (!host_index) result = fail(e, "veth", host);
  if (result == 0 && master && number_of(args, 3) && set_hairpin(&outside, host_index, true) < 0)
    result = fail(e, "hairpin", host);
  if (result == 0) result = netlink_open_in(&inside, netns, e);
  if (result == 0 && !(index = link_index(&inside, name))) result = fail(e, "veth", name);
  if (result == 0 && set_flags(&inside, index, true) < 0) result = fail(e, "link-up", name);
  if (result == 0 && (put_mac(&outside, host_index, reply) < 0 || put_mac(&inside, index, reply) < 0))
    result = fail(e, "mac", host);
  uint32_t i = 9;
  for (; result == 0 && i < 9 + addresses; i++)
    if (change_address(&inside, RTM_NEWADDR, index, text_of(args, i)) < 0) result = fail(e, "address", text_of(args, i));
  for (; result == 0 && i + 1 < args->count; i += 2)
    if (change_route(&inside, RTM_NEWROUTE, text_of(args, i), text_of(args, i + 1), index) < 0)
      result = fail(e, "route", text_of(args, i));
  if (result < 0 && host_index) { /* half a pod network is worse than none */
    struct ifinfomsg gone = {.ifi_index = host_index};
    message_start(&m, RTM_DELLINK, 0, &gone, sizeof gone);
    netlink_ask(&outside, &m);
  }
out:
  if (target >= 0) close(target);
  if (inside.fd >= 0) netlink_close(&inside);
  netlink_close(&outside);
  return result;
}

/* link.delete NAME NETNS */
int op_link_delete(const struct record *args, struct buffer *reply, struct error *e) {
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 2), e) < 0) return -1;
  struct message m;
  struct ifinfomsg info = {.ifi_index = link_index(&n, text_of(args, 1))};
  int result = 0;
  if (!info.ifi_index) {
    result = errno == ENODEV ? 0 : fail(e, "link", text_of(args, 1));
    put_text(reply, "");
  } else {
    message_start(&m, RTM_DELLINK, 0, &info, sizeof info);
    if (netlink_ask(&n, &m) < 0 && errno != ENODEV) result = fail(e, "link-delete", text_of(args, 1));
    put_text(reply, "1");
  }
  netlink_close(&n);
  return result;
}

/* link.set NAME NETNS UP MTU MASTER HAIRPIN; UP and HAIRPIN "", "0" or "1"; MASTER "-" leaves it. */
int op_link_set(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  const char *name = text_of(args, 1), *up = text_of(args, 3), *master = text_of(args, 5), *hairpin = text_of(args, 6);
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 2), e) < 0) return -1;
  struct message m;
  struct ifinfomsg info = {.ifi_index = link_index(&n, name)};
  int result = 0, bridge = 0;
  if (!info.ifi_index) result = fail(e, "link", name);
  if (result == 0 && *master && *master != '-' && !(bridge = link_index(&n, master))) result = fail(e, "bridge", master);
  if (result == 0) {
    if (*up) {
      info.ifi_flags = *up == '1' ? IFF_UP : 0;
      info.ifi_change = IFF_UP;
    }
    message_start(&m, RTM_NEWLINK, 0, &info, sizeof info);
    if (number_of(args, 4)) message_u32(&m, IFLA_MTU, (uint32_t)number_of(args, 4));
    if (*master != '-') message_u32(&m, IFLA_MASTER, (uint32_t)bridge);
    if (netlink_ask(&n, &m) < 0) result = fail(e, "link-set", name);
  }
  if (result == 0 && *hairpin && set_hairpin(&n, info.ifi_index, *hairpin == '1') < 0) result = fail(e, "hairpin", name);
  netlink_close(&n);
  return result;
}

static int take_link(const struct nlmsghdr *h, void *context) {
  if (h->nlmsg_type != RTM_NEWLINK) return 0;
  const struct ifinfomsg *info = NLMSG_DATA(h);
  const char *name = "", *kind = "";
  uint32_t mtu = 0, master = 0;
  char mac[18] = "", line[256];
  int length = (int)IFLA_PAYLOAD(h);
  for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
    if (a->rta_type == IFLA_IFNAME) name = RTA_DATA(a);
    if (a->rta_type == IFLA_MTU) memcpy(&mtu, RTA_DATA(a), 4);
    if (a->rta_type == IFLA_MASTER) memcpy(&master, RTA_DATA(a), 4);
    if (a->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(a) == 6) {
      const uint8_t *b = RTA_DATA(a);
      snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    }
    if (a->rta_type == IFLA_LINKINFO) {
      int inner = (int)RTA_PAYLOAD(a);
      for (struct rtattr *k = RTA_DATA(a); RTA_OK(k, inner); k = RTA_NEXT(k, inner))
        if (k->rta_type == IFLA_INFO_KIND) kind = RTA_DATA(k);
    }
  }
  snprintf(line, sizeof line, "link\t%d\t%s\t%s\t%s\t%u\t%d\t%u", info->ifi_index, name, kind, mac, mtu,
           info->ifi_flags & IFF_UP ? 1 : 0, master);
  put_text(context, line);
  return 0;
}

static int take_address(const struct nlmsghdr *h, void *context) {
  if (h->nlmsg_type != RTM_NEWADDR) return 0;
  const struct ifaddrmsg *info = NLMSG_DATA(h);
  const void *address = NULL;
  char text[64] = "", line[128];
  int length = (int)IFA_PAYLOAD(h);
  for (struct rtattr *a = IFA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length))
    if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !address)) address = RTA_DATA(a);
  if (!address || !inet_ntop(info->ifa_family, address, text, sizeof text)) return 0;
  snprintf(line, sizeof line, "address\t%u\t%s/%d", info->ifa_index, text, info->ifa_prefixlen);
  put_text(context, line);
  return 0;
}

/* links NETNS: lines "link INDEX NAME KIND MAC MTU UP MASTER" and "address INDEX PREFIX", with tabs. */
int op_links(const struct record *args, struct buffer *reply, struct error *e) {
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 1), e) < 0) return -1;
  struct message m;
  struct ifinfomsg link = {0};
  struct ifaddrmsg address = {0};
  int result = 0;
  message_start(&m, RTM_GETLINK, 0, &link, sizeof link);
  if (netlink_dump(&n, &m, take_link, reply) < 0) result = fail(e, "links", "");
  message_start(&m, RTM_GETADDR, 0, &address, sizeof address);
  if (result == 0 && netlink_dump(&n, &m, take_address, reply) < 0) result = fail(e, "addresses", "");
  netlink_close(&n);
  return result;
}

static int address_operation(const struct record *args, uint16_t type, struct buffer *reply, struct error *e) {
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 3), e) < 0) return -1;
  int index = link_index(&n, text_of(args, 1)), result = 0;
  const char *there = "1";
  if (!index) result = fail(e, "link", text_of(args, 1));
  else if (change_address(&n, type, index, text_of(args, 2)) < 0) {
    if (type == RTM_DELADDR && errno == EADDRNOTAVAIL) there = "";
    else result = fail(e, "address", text_of(args, 2));
  }
  if (result < 0 && type == RTM_DELADDR && e->code == ENODEV) {
    result = 0;
    there = "";
  }
  put_text(reply, there);
  netlink_close(&n);
  return result;
}

/* address.add LINK PREFIX NETNS */
int op_address_add(const struct record *args, struct buffer *reply, struct error *e) {
  return address_operation(args, RTM_NEWADDR, reply, e);
}
int op_address_delete(const struct record *args, struct buffer *reply, struct error *e) {
  return address_operation(args, RTM_DELADDR, reply, e);
}

static int route_operation(const struct record *args, uint16_t type, struct buffer *reply, struct error *e) {
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 4), e) < 0) return -1;
  const char *link = text_of(args, 3), *there = "1";
  int index = 0, result = 0;
  if (*link && !(index = link_index(&n, link))) result = fail(e, "link", link);
  else if (change_route(&n, type, text_of(args, 1), text_of(args, 2), index) < 0) result = fail(e, "route", text_of(args, 1));
  if (result < 0 && type == RTM_DELROUTE && (e->code == ESRCH || e->code == ENODEV)) {
    result = 0;
    there = "";
  }
  put_text(reply, there);
  netlink_close(&n);
  return result;
}

/* route.add DST GW LINK NETNS */
int op_route_add(const struct record *args, struct buffer *reply, struct error *e) {
  return route_operation(args, RTM_NEWROUTE, reply, e);
}
int op_route_delete(const struct record *args, struct buffer *reply, struct error *e) {
  return route_operation(args, RTM_DELROUTE, reply, e);
}

static int take_route(const struct nlmsghdr *h, void *context) {
  if (h->nlmsg_type != RTM_NEWROUTE) return 0;
  const struct rtmsg *info = NLMSG_DATA(h);
  if (info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED)) return 0;
  char dst[64], gw[64] = "", line[192];
  uint32_t link = 0;
  strcpy(dst, info->rtm_family == AF_INET ? "0.0.0.0" : "::");
  int length = (int)RTM_PAYLOAD(h);
  for (struct rtattr *a = RTM_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
    if (a->rta_type == RTA_DST) inet_ntop(info->rtm_family, RTA_DATA(a), dst, sizeof dst);
    if (a->rta_type == RTA_GATEWAY) inet_ntop(info->rtm_family, RTA_DATA(a), gw, sizeof gw);
    if (a->rta_type == RTA_OIF) memcpy(&link, RTA_DATA(a), 4);
  }
  snprintf(line, sizeof line, "route\t%s/%d\t%s\t%u", dst, info->rtm_dst_len, gw, link);
  put_text(context, line);
  return 0;
}

/* routes NETNS: the lines of links, and "route DST GW LINKINDEX". */
int op_routes(const struct record *args, struct buffer *reply, struct error *e) {
  struct netlink n;
  if (netlink_open_in(&n, text_of(args, 1), e) < 0) return -1;
  struct message m;
  struct ifinfomsg link = {0};
  int result = 0;
  message_start(&m, RTM_GETLINK, 0, &link, sizeof link);
  if (netlink_dump(&n, &m, take_link, reply) < 0) result = fail(e, "links", "");
  for (int i = 0; result == 0 && i < 2; i++) {
    struct rtmsg info = {.rtm_family = i ? AF_INET6 : AF_INET};
    message_start(&m, RTM_GETROUTE, 0, &info, sizeof info);
    if (netlink_dump(&n, &m, take_route, reply) < 0 && errno != EAFNOSUPPORT && errno != EOPNOTSUPP)
      result = fail(e, "routes", "");
  }
  netlink_close(&n);
  return result;
}
