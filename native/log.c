/* The CRI log: `2006-01-02T15:04:05.000000000Z stdout F text`. P marks a piece whose line goes on in the next record. */
#include "wherry.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int log_open(struct log *l) {
  int fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return -1;
  if (l->fd >= 0) close(l->fd);
  l->fd = fd;
  return 0;
}

/* Records of one read go out in one write. */
static char waiting[32768];
static size_t waiting_length;

static void flush_log(struct log *l) {
  /* A full disk must not stop the container; what does not fit is lost. */
  if (waiting_length && write_all(l->fd, waiting, waiting_length) < 0) errno = 0;
  waiting_length = 0;
}

static void add(struct log *l, const char *data, size_t length) {
  if (waiting_length + length > sizeof waiting) flush_log(l);
  memcpy(waiting + waiting_length, data, length); /* a piece is never longer than a line's buffer */
  waiting_length += length;
}

static void record_out(struct log *l, int stream, char tag, const char *a, size_t na, const char *b, size_t nb) {
  static time_t second;
  static char text[32];
  struct timespec now;
  char head[64];
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != second) {
    struct tm parts;
    second = now.tv_sec;
    gmtime_r(&second, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  }
  int n = snprintf(head, sizeof head, "%s.%09ldZ %s %c ", text, now.tv_nsec, stream ? "stderr" : "stdout", tag);
  add(l, head, (size_t)n);
  add(l, a, na);
  if (nb) add(l, b, nb);
  add(l, "\n", 1);
}

void log_write(struct log *l, int stream, const char *data, size_t length) {
  struct log_stream *s = &l->streams[stream];
  if (l->fd < 0) return;
  while (length) {
    const char *end = memchr(data, '\n', length);
    size_t n = end ? (size_t)(end - data) : length;
    if (s->length + n > sizeof s->line) {
      n = sizeof s->line - s->length;
      record_out(l, stream, 'P', s->line, s->length, data, n);
      s->length = 0;
    } else if (end) {
      record_out(l, stream, 'F', s->line, s->length, data, n);
      s->length = 0;
      n++;
    } else {
      memcpy(s->line + s->length, data, n);
      s->length += n;
    }
    data += n;
    length -= n;
  }
  flush_log(l);
}

void log_end(struct log *l, int stream) {
  struct log_stream *s = &l->streams[stream];
  if (l->fd >= 0 && s->length) record_out(l, stream, 'P', s->line, s->length, NULL, 0);
  if (l->fd >= 0) flush_log(l);
  s->length = 0;
}
