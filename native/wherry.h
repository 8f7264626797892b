/* Shared by all files of the native helper: bytes in and out, errors as step + errno, and who implements what. */
#ifndef WHERRY_H
#define WHERRY_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* ---- errors: what failed, never a sentence ---- */
struct error {
  int code; /* errno */
  char step[32];
  char detail[512];
};
/* Records errno; always returns -1. */
int fail(struct error *e, const char *step, const char *detail);
int fail_with(struct error *e, int code, const char *step, const char *detail);

/* ---- bytes ---- */
struct buffer {
  char *data;
  size_t length, capacity;
};
void buffer_put(struct buffer *b, const void *data, size_t length); /* exits when memory is gone */
void buffer_free(struct buffer *b);

/* A field is length, bytes and a NUL that is not counted, so that text can be used where it lies. */
struct field {
  char *data;
  uint32_t length;
};
struct record {
  uint32_t count;
  struct field *fields;
};
struct plan {
  uint32_t count;
  struct record *records;
};
void put_field(struct buffer *b, const void *data, uint32_t length);
void put_text(struct buffer *b, const char *text);
void put_number(struct buffer *b, long long number);
/* Both point into `data`, which must live on. -1 with errno EBADMSG when malformed. */
int parse_fields(char *data, size_t length, struct record *out);
int parse_plan(char *data, size_t length, struct plan *out);
const char *text_of(const struct record *r, uint32_t index); /* "" beyond the end */
long long number_of(const struct record *r, uint32_t index); /* 0 beyond the end */

int write_all(int fd, const void *data, size_t length);
int read_all(int fd, void *data, size_t length); /* -1 with EPIPE at an early end */
int write_path(int dirfd, const char *path, const char *text);
/* At most `size - 1` bytes, with a NUL; the length or -1. */
ssize_t read_path(const char *path, char *data, size_t size);

/* A frame is two 32-bit little-endian numbers, payload length and type, and the payload. */
enum { frame_limit = 4 << 20 };
int send_frame(int fd, uint32_t type, const void *data, size_t length);
char *receive_frame(int fd, uint32_t *type, size_t *length); /* malloc'd; NULL with errno */
void put_error(struct buffer *b, const struct error *e);

/* ---- the server's operations ---- */
typedef int operation(const struct record *args, struct buffer *reply, struct error *e);
operation op_namespaces_create, op_namespace_delete, op_bridge, op_veth, op_link_delete, op_link_set, op_links,
    op_address_add, op_address_delete, op_route_add, op_route_delete, op_routes, op_sysctl_set, op_sysctl_get, op_mount,
    op_umount, op_bind, op_overlay, op_layers_read, op_files, op_cgroup_warm, op_ping;
int serve(const char *socket_path);

/* ---- namespaces ---- */
/* Runs with the calling thread inside the network namespace (when path is not empty); leave_netns ends the process if it cannot return. */
int enter_netns(const char *path, struct error *e);
void leave_netns(void);
int loopback_up(struct error *e);
int namespace_flag(const char *type);

/* ---- mounts by descriptor ---- */
int open_in_root(int root, const char *path, int flags, uint64_t resolve);
/* The missing part of the path is made, each component below its resolved parent. Returns an O_PATH descriptor. */
int make_in_root(int root, const char *path, bool directory, struct error *e);
int clone_tree(int dirfd, const char *path, bool recursive);
int set_mount_attributes(int fd, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation);
int attach_mount(int mount, int target, struct error *e);
/* A detached tree whose files belong to whom the user namespace says. */
int map_mount(int fd, int user_namespace);

/* ---- one container ---- */
/* From the launch socket: reads the plan, becomes the monitor, never returns. */
_Noreturn void monitor(int connection);

struct init_context {
  struct plan *plan;
  int sync;   /* to the parent: errors, the terminal, readiness */
  int root;   /* O_PATH of the root file system, -1 before it is there */
  int stdio[3];
  bool terminal;
  int terminal_peer;
  int join_pidfd; /* of the container that an exec goes into, -1 otherwise */
  int user_namespace; /* that owns what the container sees, -1 without one */
  char **argv, **envp;
};
/* Runs the plan's steps for the child, in order; returns only with an error. */
int run_steps(struct init_context *c, struct error *e);
/* Steps of rootfs.c and process.c; true when the name was theirs. */
typedef int step(struct init_context *c, const struct record *r, struct error *e);
struct step_entry {
  const char *name;
  uint32_t least; /* fields, the name among them */
  step *run;
};
extern const struct step_entry rootfs_steps[], process_steps[];
step relay_step;

/* Messages from the child over the sync socket. */
enum { sync_error = 'e', sync_ready = 'r', sync_terminal = 't', sync_exec = 'x' };
int send_descriptor(int socket, char tag, int fd);
/* One tagged message with an optional descriptor; returns bytes or -1. */
ssize_t receive_tagged(int socket, char *tag, void *data, size_t size, int *fd);

struct process {
  pid_t pid;
  int pidfd;
  int sync;
  int in, out, err; /* our ends; with a terminal in and out are the same file and err is -1 */
  int terminal;
};
/* Makes pipes as the plan's "stdio" says, clones the child and moves it into its cgroups while it runs its steps. */
int process_clone(struct plan *plan, struct process *p, int join_pidfd, struct error *e);
/* Waits until the program runs (or, with "hold", is ready to). */
int process_wait(struct process *p, bool until_ready, struct error *e);
/* Lets one go on that is ready. */
int process_start(struct process *p, struct error *e);
const struct record *find_record(const struct plan *plan, const char *name);

/* ---- CRI log ---- */
struct log_stream {
  char line[16384]; /* an unfinished line; the kubelet's readers know no longer ones */
  size_t length;
};
struct log {
  int fd;
  char *path;
  struct log_stream streams[2];
};
/* Opens (again) for appending; keeps the old file when it cannot. */
int log_open(struct log *l);
void log_write(struct log *l, int stream, const char *data, size_t length);
void log_end(struct log *l, int stream);

long long realtime_nanoseconds(void);
int pidfd_open_compat(pid_t pid);
/* A sub-program of the network part; see conntrack.c. */
int forget_udp(int count, char **texts);
int seal_self(char **argv);
#endif
