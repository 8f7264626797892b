/* One binary, two ways in: `serve SOCKET` (the persistent helper) and `version`. Everything else is forked from the server. */
#include "wherry.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/*
 * Runs on from a sealed copy in memory. A process inside a container can reach the file behind /proc/PID/exe of
 * whatever enters the container; a sealed copy can be opened but never written (the CVE-2019-5736 class).
 */
int seal_self(char **argv) {
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0) return -1;
  int seals = fcntl(self, F_GET_SEALS);
  int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (seals >= 0 && (seals & wanted) == wanted) return close(self);
  struct stat st;
  if (fstat(self, &st) < 0) return -1;
  int copy = memfd_create("/wherry-native", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (copy < 0 && errno == EINVAL) copy = memfd_create("/wherry-native", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0) return -1;
  for (off_t left = st.st_size; left > 0;) {
    ssize_t n = sendfile(copy, self, NULL, (size_t)left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    left -= n;
  }
  if (fchmod(copy, 0500) < 0 || fcntl(copy, F_ADD_SEALS, wanted) < 0) return -1;
  fexecve(copy, argv, environ);
  return -1;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "version")) {
    puts("wherry-native 1");
    return 0;
  }
  if (argc == 3 && !strcmp(argv[1], "serve")) {
    if (seal_self(argv) < 0) {
      perror("wherry-native: sealed copy");
      return 1;
    }
    return serve(argv[2]);
  }
  if (argc >= 2 && !strcmp(argv[1], "forget-udp")) return forget_udp(argc - 2, argv + 2);
  fprintf(stderr, "usage: wherry-native serve SOCKET | forget-udp FLOW... | version\n");
  return 2;
}
