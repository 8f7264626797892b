/* Many small changes of kernel file systems in one request: a pod's cgroups are dozens of directories and values. */
#include "wherry.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* files [mkdir|rmdir|write PATH VALUE TOLERATE]...; what is there, or gone, already is fine. */
int op_files(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  for (uint32_t i = 1; i + 3 < args->count; i += 4) {
    const char *what = text_of(args, i), *path = text_of(args, i + 1);
    int result, fine = 0;
    if (!strcmp(what, "mkdir")) {
      mode_t mask = umask(0022);
      result = mkdir(path, 0755);
      umask(mask);
      fine = EEXIST;
    } else if (!strcmp(what, "rmdir")) {
      result = rmdir(path);
      fine = ENOENT;
    } else {
      result = write_path(AT_FDCWD, path, text_of(args, i + 2));
    }
    if (result < 0 && errno != fine && !number_of(args, i + 3)) return fail(e, what, path);
  }
  return 0;
}

/*
 * cgroup.warm PROCS: the first move of a process between cgroups waits for a grace period of all processors (the kernel's
 * cgroup_threadgroup_rwsem); those that follow soon do not. A fork moves itself, so that nobody has to wait for it.
 */
int op_cgroup_warm(const struct record *args, struct buffer *reply, struct error *e) {
  (void)reply;
  pid_t pid = fork();
  if (pid < 0) return fail(e, "fork", "");
  if (pid == 0) _exit(write_path(AT_FDCWD, text_of(args, 1), "0") < 0);
  return 0;
}
